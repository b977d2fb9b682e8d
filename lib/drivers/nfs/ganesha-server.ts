import { truncate } from 'node:fs/promises';
import { coverExactly, singleAddresses } from '../../domain/address-cover';
import { type AccessList, type AccessResult, NewerRevision, TerminalError, type Volume } from '../../ports/driver';
import { isMissing, readIfThere, removeFile } from '../durable-file';
import { amongst, type ExportFiles, servedOf } from './export-files';
import type { ShownExport } from './export-manager';
import { revisionIn } from './exports-file';
import type { GaneshaCheck } from './ganesha-check';
import {
  type GaneshaExport,
  LARGEST_EXPORT_ID,
  numberIn,
  parseGaneshaExport,
  renderGaneshaExport,
} from './ganesha-export';
import type { GaneshaIndex } from './ganesha-index';
import type { GaneshaOption } from './ganesha-options';
import type { ServedExports } from './served-exports';
import type { NfsServer } from './server';

/** What the exports of a backend have in common. */
export interface GaneshaExports {
  /** Where clients find the volumes, `/volumes`. */
  readonly pseudoRoot: string;
  readonly options: readonly GaneshaOption[];
}

/** The file of a volume as it is. */
interface Standing {
  /** Null: there is none. */
  readonly text: string | null;
  /** Null: it is not as this program writes it. */
  readonly export: GaneshaExport | null;
}

/**
 * NFS-Ganesha, by one export file a filesystem, an index of them, and its export manager. The files are what a server that
 * starts has; each is in place before the server is told of it. All of a volume happens under its lock.
 */
export class GaneshaServer implements NfsServer {
  readonly enforces = 'server';
  readonly largestNumber = LARGEST_EXPORT_ID;

  constructor(
    private readonly files: ExportFiles,
    private readonly index: GaneshaIndex,
    private readonly served: ServedExports,
    private readonly exports: GaneshaExports,
    private readonly checks: GaneshaCheck,
  ) {}

  async check(signal: AbortSignal): Promise<void> {
    await this.files.check();
    await this.checks.check(signal);
  }

  async prepare(): Promise<void> {
    await this.files.prepare();
    await this.index.prepare();
  }

  async sync(
    volume: Volume,
    where: string,
    list: AccessList,
    mayGrant: boolean,
    signal: AbortSignal,
  ): Promise<AccessResult> {
    const { served, refused } = servedOf(list);
    const bring = () =>
      mayGrant ? this.#bring(volume, where, served, signal) : this.#cutDown(volume, where, served, signal);
    await this.files.change(
      () => this.files.locked(volume.id, signal, bring),
      () => this.#withdraw(volume, where, served, signal),
    );
    return { refused };
  }

  /** What the server lets in. Behind it the file's name, where a server that starts would let in others: then it has to be written anew. */
  async read(volume: Volume, where: string, signal: AbortSignal): Promise<readonly string[]> {
    const standing = await this.#standing(volume.id);
    const shown = await this.#shown(volume, standing, where, signal);
    if (!shown) return [];
    const { addresses, foreign } = singleAddresses(shown.clients);
    const lasts = await this.#lasts(volume, standing, shown);
    return [...addresses, ...foreign, ...(lasts ? [] : [this.files.fileOf(volume.id)])];
  }

  /** It keeps the folder that it has opened, whatever is mounted there since, also when it is told the export again. */
  async release(volume: Volume, where: string, signal: AbortSignal): Promise<void> {
    if (!(await this.served.remove(volume, where, signal))) await this.served.removeFound(volume, where, signal);
  }

  async remove(volume: Volume, where: string, signal: AbortSignal): Promise<void> {
    const { id } = volume;
    const remove = async () => {
      const standing = await this.#standing(id);
      try {
        let isRemoved = false;
        for (const number of new Set([volume.number, standing.export?.number ?? null]))
          isRemoved = (await this.served.remove({ id, number }, where, signal)) || isRemoved;
        // a name is exported once: one that was removed was the only one
        if (!isRemoved) await this.served.removeFound(volume, where, signal);
      } finally {
        // a server that is down, or that cannot be called, does not start with it again
        await this.index.exclude(id, signal);
      }
      await removeFile(this.files.fileOf(id));
    };
    await this.files.change(
      () => this.files.locked(id, signal, remove),
      () => this.#empty(id),
    );
  }

  async numbers(signal: AbortSignal): Promise<ReadonlySet<number>> {
    const [filed, served] = await Promise.all([this.index.numbers(), this.served.numbers(signal)]);
    return new Set([...filed, ...served]);
  }

  /**
   * What the server exports of a volume, under whichever number: its own, that of its file, or, where both lead to nothing (a
   * restored database, a record that is lost), the one that its path has. Null: nothing.
   */
  async #shown(
    { id, number }: Volume,
    { text }: Standing,
    where: string,
    signal: AbortSignal,
  ): Promise<ShownExport | null> {
    const filed = numberIn(text ?? '');
    for (const each of new Set([number, filed])) {
      const shown = await this.served.show({ id, number: each }, where, signal);
      if (shown) return shown;
    }
    return this.served.find({ id }, where, signal);
  }

  /** Whether a server that starts lets in the same. */
  async #lasts(volume: Volume, standing: Standing, shown: ShownExport): Promise<boolean> {
    const number = volume.number ?? shown.number;
    if (standing.export?.number !== number || (await this.index.numberOf(volume.id)) !== number) return false;
    // a single address is a block of its own to the server
    const served = shown.clients.map((each) => each.replace(each.includes(':') ? /\/128$/ : /\/32$/, ''));
    return (
      served.length === standing.export.clients.length &&
      amongst(served, standing.export.clients).length === served.length
    );
  }

  /** Exactly the list. */
  async #bring(volume: Volume, where: string, { addresses, revision }: AccessList, signal: AbortSignal): Promise<void> {
    const { id, number } = volume;
    if (number === null) throw new Error('the volume of this filesystem has no number yet');
    const before = await this.#text(id, revision);
    const holder = await this.index.holder(number);
    if (holder !== null && holder !== id)
      throw new TerminalError(`The number ${number} of this filesystem is in use on its backend, by ${holder}.`);
    const former = numberIn(before ?? '') ?? number;
    if (former !== number) await this.served.remove({ id, number: former }, where, signal);
    await this.#write(before, this.#exportOf(volume, number, where, revision, addresses));
    await this.index.include(id, number, signal);
    await this.#told(id, number, where, signal);
  }

  /** A number that is an operator's stands in no index: a server that starts would find two exports with it. */
  async #told(id: string, number: number, where: string, signal: AbortSignal): Promise<void> {
    try {
      await this.served.bring(this.files.fileOf(id), { id, number }, where, signal);
    } catch (error) {
      if (error instanceof TerminalError) await this.index.exclude(id, signal);
      throw error;
    }
  }

  /** What the server and the file both let in, of the list. Nothing is exported that is not. */
  async #cutDown(volume: Volume, where: string, list: AccessList, signal: AbortSignal): Promise<void> {
    const standing = await this.#standing(volume.id, list.revision);
    const told = numberIn(standing.text ?? '') ?? volume.number;
    let shown: ShownExport | null;
    try {
      shown = await this.#shown(volume, standing, where, signal);
    } catch (error) {
      // a server that is down, or that cannot be called, does not start with them again
      if (told !== null) await this.#shorten(volume, told, where, list, standing, null);
      throw error;
    }
    const number = shown?.number ?? told;
    if (number === null || (standing.text === null && !shown)) return;
    await this.#shorten(volume, number, where, list, standing, shown);
    if (!shown) return;
    await this.index.include(volume.id, number, signal);
    await this.#told(volume.id, number, shown.path, signal);
  }

  /** Writes the file without those who have to go, where there is one, or the server lets in somebody. */
  async #shorten(
    volume: Volume,
    number: number,
    where: string,
    { addresses, revision }: AccessList,
    standing: Standing,
    shown: ShownExport | null,
  ): Promise<void> {
    if (standing.text === null && !shown) return;
    // a list that only shrinks stays where it is, whatever is configured since
    const path = shown?.path ?? standing.export?.path ?? where;
    const lists = [standing.export?.clients, shown?.clients].filter((each) => each !== undefined);
    const wanted = lists.length === 0 ? [] : lists.reduce(among, addresses);
    await this.#write(standing.text, this.#exportOf(volume, number, path, revision, wanted));
  }

  /** There is no room for a list from which somebody has to go: nobody, until there is. To empty a file takes no room. */
  async #withdraw(
    volume: Volume,
    where: string,
    { addresses, revision }: AccessList,
    signal: AbortSignal,
  ): Promise<void> {
    const standing = await this.#standing(volume.id, revision);
    const number = standing.export?.number ?? volume.number;
    const shown = standing.text === null ? await this.#shown(volume, standing, where, signal) : null;
    const found = standing.export ?? shown;
    if (standing.text === null && !shown) return;
    const before = singleAddresses(found?.clients ?? []).addresses;
    if (found && amongst(before, addresses).length === before.length) return;
    await this.#empty(volume.id);
    if (shown) await this.served.remove({ id: volume.id, number: shown.number }, where, signal);
    else if (!(await this.served.remove({ id: volume.id, number }, where, signal)))
      await this.served.removeFound(volume, where, signal);
  }

  async #empty(id: string): Promise<void> {
    await truncate(this.files.fileOf(id), 0).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
  }

  /** @throws NewerRevision */
  async #standing(id: string, revision?: bigint): Promise<Standing> {
    const text = await this.#text(id, revision);
    const found = parseGaneshaExport(text ?? '');
    return { text, export: found?.id === id ? found : null };
  }

  /** @throws NewerRevision */
  async #text(id: string, revision?: bigint): Promise<string | null> {
    const text = await readIfThere(this.files.fileOf(id));
    if (text !== null && revision !== undefined && revisionIn(text) > revision)
      throw new NewerRevision(revisionIn(text));
    return text;
  }

  #exportOf(
    volume: Volume,
    number: number,
    path: string,
    revision: bigint,
    addresses: readonly string[],
  ): GaneshaExport {
    const { id, name } = volume;
    const { pseudoRoot, options } = this.exports;
    const pseudo = `${pseudoRoot}/${id}`;
    return { id, name, revision, number, path, pseudo, options, clients: coverExactly(addresses) };
  }

  async #write(before: string | null, wanted: GaneshaExport): Promise<void> {
    const text = renderGaneshaExport(wanted);
    if (text !== before) await this.files.replace(wanted.id, text);
  }
}

function among(list: readonly string[], blocks: readonly string[]): readonly string[] {
  return amongst(list, singleAddresses(blocks).addresses);
}
