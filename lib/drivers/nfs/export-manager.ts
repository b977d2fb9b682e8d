import { BusError, type BusObject, type BusPlace } from './dbus';
import { LARGEST_EXPORT_ID } from './ganesha-export';

/** Where NFS-Ganesha is on the bus. */
export const EXPORT_MANAGER: BusPlace = {
  destination: 'org.ganesha.nfsd',
  path: '/org/ganesha/nfsd/ExportMgr',
  interface: 'org.ganesha.nfsd.exportmgr',
};

/** The number of the server's own root. */
const ROOT = 0;
const NOT_FOUND = /Export id not found/;
const UPDATED = /^1 exports updated\s*$/;

/** An export that the server has now. */
export interface ServedExport {
  readonly number: number;
  /** On the filer. */
  readonly path: string;
}

/** An export, and whom it lets in: addresses and blocks, as the server writes them, `10.20.0.19/32`. */
export interface ShownExport extends ServedExport {
  readonly clients: readonly string[];
}

/** NFS-Ganesha's own export manager (docs/drivers.md, "Server: `ganesha`"): four of its calls, and what its answers mean. */
export class ExportManager {
  constructor(private readonly bus: BusObject) {}

  /**
   * Makes the server have an export as its file says, new or changed: the list of clients is exchanged at once, and open files
   * of those that stay are kept.
   * @throws BusError when the server refuses it, and has what it had
   */
  async update(file: string, number: number, signal: AbortSignal): Promise<void> {
    const [message] = await this.bus.call('UpdateExport', 'ss', [file, `EXPORT(Export_Id=${checked(number)})`], signal);
    // an answer that is no error may tell of errors
    if (typeof message !== 'string' || !UPDATED.test(message))
      throw new Error(`NFS-Ganesha has not taken ${file} as it is: ${String(message)}`);
  }

  /** Removes an export, and with it the open files of its clients. @returns whether there was one */
  async remove(number: number, signal: AbortSignal): Promise<boolean> {
    try {
      await this.bus.call('RemoveExport', 'q', [checked(number)], signal);
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  /** Null: the server has no such export. */
  async show(number: number, signal: AbortSignal): Promise<ShownExport | null> {
    try {
      const [shown, path, , , clients] = await this.bus.call('DisplayExport', 'q', [checked(number)], signal);
      if (shown !== number || typeof path !== 'string' || !isList(clients))
        throw new Error(`NFS-Ganesha answers DisplayExport ${number} in a way that this program does not know`);
      return { number, path, clients: clients.map((each) => String(isList(each) ? each[0] : each)) };
    } catch (error) {
      if (isNotFound(error)) return null;
      throw error;
    }
  }

  /** Resolves when it answers; asked for one export, since a list of all takes as long as there are many. */
  async answers(signal: AbortSignal): Promise<void> {
    try {
      await this.bus.call('DisplayExport', 'q', [ROOT], signal);
    } catch (error) {
      // an operator may have given the root another number
      if (!isNotFound(error)) throw error;
    }
  }

  /** All that the server has, whoever's; 0 is its own root. */
  async list(signal: AbortSignal): Promise<readonly ServedExport[]> {
    const [, exports] = await this.bus.call('ShowExports', '', [], signal);
    if (!isList(exports)) throw new Error('NFS-Ganesha answers ShowExports in a way that this program does not know');
    return exports.flatMap((each) => {
      const [number, path] = isList(each) ? each : [];
      return typeof number === 'number' && typeof path === 'string' ? [{ number, path }] : [];
    });
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof BusError && NOT_FOUND.test(error.message);
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

/** Nothing but a number reaches an expression of the server's. */
function checked(number: number): number {
  if (!Number.isInteger(number) || number < 1 || number > LARGEST_EXPORT_ID)
    throw new Error(`${number} is no Export_Id`);
  return number;
}
