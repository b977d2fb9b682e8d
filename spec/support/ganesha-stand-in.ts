import { existsSync, readFileSync } from 'node:fs';
import { BusError, type BusObject } from '../../lib/drivers/nfs/dbus';

interface Export {
  readonly number: number;
  readonly path: string;
  readonly pseudo: string;
  readonly clients: readonly string[];
}

const INVALID_FILE = 'org.freedesktop.DBus.Error.InvalidFileContent';
const INVALID_ARGUMENTS = 'org.freedesktop.DBus.Error.InvalidArgs';

/**
 * NFS-Ganesha 4.3 as its export manager answers on the bus, and as it reads its files when it starts. Whether the real one
 * does so is tried in spec/e2e/storage/.
 */
export class GaneshaStandIn implements BusObject {
  /** What it serves now. */
  exports = new Map<number, Export>();
  /** Every call of the bus; a spec may let it fail there. */
  called: (member: string) => void = () => undefined;
  /** Why it cannot be called; null: it can. */
  away: Error | null = null;

  /** @param index what its configuration includes */
  constructor(private readonly index: string) {}

  async call(member: string, _signature: string, args: readonly unknown[], signal: AbortSignal) {
    signal.throwIfAborted();
    if (this.away) throw this.away;
    this.called(member);
    const [first, second] = args;
    if (member === 'UpdateExport') return [this.#update(String(first), String(second))];
    if (member === 'ShowExports')
      return [[0n, 0n], [...this.exports.values()].map(({ number, path }) => [number, path])];
    const served = this.exports.get(Number(first));
    // the real one always has a root of its own
    if (!served && Number(first) === 0 && member === 'DisplayExport') return [0, '/', '/', '', []];
    if (!served) throw new BusError(INVALID_ARGUMENTS, 'lookup_export failed with Export id not found');
    if (member === 'RemoveExport') this.exports.delete(served.number);
    // the real one tells the path twice
    const clients = served.clients.map((each) => [
      each.includes('/') ? each : `${each}/${each.includes(':') ? 128 : 32}`,
    ]);
    return member === 'RemoveExport' ? [] : [served.number, served.path, served.path, '', clients];
  }

  /** Stops, and starts again. @throws Error when its configuration is not one that it would start with */
  restart(): void {
    const read = [...readFileSync(this.index, 'utf8').matchAll(/^%include "(.*)"/gm)].flatMap(([, file = '']) => {
      if (!existsSync(file)) throw new Error(`it does not start: ${file} is not there`);
      return exportsIn(file);
    });
    const numbers = read.map(({ number }) => number);
    if (new Set(numbers).size < numbers.length) throw new Error('it does not start: two exports have one number');
    // one whose path is not there is left out
    this.exports = new Map(read.filter(({ path }) => existsSync(path)).map((each) => [each.number, each]));
  }

  #update(file: string, expression: string): string {
    if (!existsSync(file))
      throw new BusError(INVALID_FILE, `Error while parsing ${file} because of (token scan) errors`);
    const number = Number(/^EXPORT\(Export_Id=(\d+)\)$/.exec(expression)?.[1]);
    const wanted = exportsIn(file).find((each) => each.number === number);
    if (!wanted) throw new BusError(INVALID_ARGUMENTS, `Error finding exports: ${expression}`);
    const served = this.exports.get(number);
    const others = [...this.exports.values()].filter((each) => each !== served);
    if (served && served.path !== wanted.path) throw new BusError(INVALID_FILE, '0 export entries updated');
    if (!served && !existsSync(wanted.path)) throw new BusError(INVALID_FILE, '0 export entries updated');
    if (others.some(({ pseudo }) => pseudo === wanted.pseudo))
      throw new BusError(INVALID_FILE, '0 export entries updated');
    this.exports.set(number, wanted);
    return '1 exports updated';
  }
}

/** @throws Error for what the server's parser would not take */
function exportsIn(file: string): readonly Export[] {
  const text = readFileSync(file, 'utf8').replaceAll(/^\s*#.*$/gm, '');
  if (text.trim() === '') return [];
  const [, number, path, pseudo] =
    /^\s*EXPORT \{\s*Export_Id = (\d+);\s*Path = "([^"]*)";\s*Pseudo = "([^"]*)";[\s\S]*\}\s*$/.exec(text) ?? [];
  if (!number || !path || !pseudo || text.split('{').length !== text.split('}').length)
    throw new Error(`it does not start: ${file} has a fault`);
  const clients = /Clients =([^;]*);/.exec(text)?.[1]?.split(',') ?? [];
  return [{ number: Number(number), path, pseudo, clients: clients.map((each) => each.trim()) }];
}
