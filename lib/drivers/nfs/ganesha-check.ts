import { readFile } from 'node:fs/promises';
import * as path from 'node:path';
import { TerminalError } from '../../ports/driver';
import { BusAway, BusError } from './dbus';
import type { ExportManager } from './export-manager';
import { INDEX } from './ganesha-index';

const DENIED = 'org.freedesktop.DBus.Error.AccessDenied';
const UNKNOWN = ['org.freedesktop.DBus.Error.ServiceUnknown', 'org.freedesktop.DBus.Error.NameHasNoOwner'];

/** Whether NFS-Ganesha can be worked with: it includes the index, and can be called. */
export class GaneshaCheck {
  /**
   * @param directory of the export files
   * @param configuration the file that includes the index
   */
  constructor(
    private readonly directory: string,
    private readonly configuration: string,
    private readonly manager: ExportManager,
  ) {}

  /** @throws TerminalError naming what is missing and how to get it */
  async check(signal: AbortSignal): Promise<void> {
    await this.#includesIndex();
    try {
      await this.manager.answers(signal);
    } catch (error) {
      throw new TerminalError(whatToDo(error), { cause: error });
    }
  }

  /** A server that does not include it works until it is started again: then nobody is let in. */
  async #includesIndex(): Promise<void> {
    const line = `%include "${path.join(this.directory, INDEX)}"`;
    const text = await readFile(this.configuration, 'utf8').catch((cause: unknown) => {
      throw new TerminalError(
        `${this.configuration} cannot be read: correct the setting "configuration", the file that has the line ${line}.`,
        { cause },
      );
    });
    if (!text.split('\n').some((each) => each.trim() === line))
      throw new TerminalError(
        `NFS-Ganesha would not load the exports when it starts: add the line ${line} to ${this.configuration}, and send it SIGHUP.`,
      );
  }
}

function whatToDo(error: unknown): string {
  if (error instanceof BusError && UNKNOWN.includes(error.code))
    return 'NFS-Ganesha is not on the D-Bus: start it; it ends when the D-Bus is started again.';
  if (error instanceof BusError && error.code === DENIED)
    return "The D-Bus does not let this program call NFS-Ganesha: add the policy of docs/drivers.md for this program's user.";
  if (error instanceof BusAway) return `NFS-Ganesha cannot be called: ${error.message}.`;
  return 'NFS-Ganesha does not answer its export manager.';
}
