import { lstatSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import * as path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { TerminalError } from '../../ports/driver';
import { isMissing, readIfThere, replaceFile } from '../durable-file';
import { SharedRun } from '../shared-run';
import { isVolumeId } from '../volume-id';
import type { ExportFiles } from './export-files';
import { parseGaneshaExport } from './ganesha-export';

export const INDEX = 'exports.conf';
const HEAD =
  '# Written by nova-shared-filesystem: what is changed here is written over. Every file that is named must be there, and have no fault:\n' +
  '# the server would not start with one that has.\n';
/** As `renderIndex` writes them. */
const LINE = /^%include "(.*)\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.conf" # (\d{1,5})$/gm;
/** So many files are looked at before others have their turn. */
const AT_ONCE = 256;

/** What the index has of a file: the number of its export. */
type Entries = ReadonlyMap<string, number>;

/** What the index has, and the other way round. */
interface Known {
  readonly stamp: string;
  readonly entries: Entries;
  readonly holders: ReadonlyMap<number, string>;
}

/** A file that was read, and what it was known by then. */
interface Read {
  readonly stamp: string;
  readonly id: string | null;
  readonly number: number | null;
}

/**
 * The one file that the server's configuration includes, which includes the export files. A server that starts reads them all,
 * and one bad or missing file would cost all exports: so each is read, strictly, before it is named, and again when it has
 * changed; one that is not as this program writes it is left out, and is its own volume's trouble alone.
 */
export class GaneshaIndex {
  readonly #file: string;
  /** By id. */
  readonly #read = new Map<string, Read>();
  #present: Known | null = null;
  #wanted = new Map<string, number | null>();
  readonly #change = new SharedRun(() => this.#changed());

  constructor(private readonly files: ExportFiles) {
    this.#file = path.join(files.directory, INDEX);
  }

  /** Makes an empty one where there is none. */
  async prepare(): Promise<void> {
    if (stampOf(this.#file) === null) await this.#change.run();
  }

  /** The number by which a volume is named; null: it is not. */
  async numberOf(id: string): Promise<number | null> {
    return (await this.#known()).entries.get(id) ?? null;
  }

  /** Whose a number is; null: nobody's. */
  async holder(number: number): Promise<string | null> {
    return (await this.#known()).holders.get(number) ?? null;
  }

  /**
   * Names the file of a volume, which is there.
   * @throws Error when it is not as this program writes it; TerminalError when another has its number
   */
  async include(id: string, number: number, signal: AbortSignal): Promise<void> {
    if ((await this.numberOf(id)) === number) return;
    await this.#changeOne(id, number, signal);
  }

  /** Names it no more. Returns when an index without it is in place. */
  async exclude(id: string, signal: AbortSignal): Promise<void> {
    if (stampOf(this.#file) !== null && (await this.numberOf(id)) === null) return;
    await this.#changeOne(id, null, signal);
  }

  /** Numbers of the files, named or not. */
  async numbers(): Promise<ReadonlySet<number>> {
    const { entries } = await this.#known();
    const numbers = new Set(entries.values());
    for (const id of await this.#ids()) {
      const number = entries.has(id) ? null : (await this.#look(id)).number;
      if (number !== null) numbers.add(number);
    }
    return numbers;
  }

  /** What it has, read again when it has changed. */
  async #known(): Promise<Known> {
    const stamp = stampOf(this.#file);
    if (stamp === null) return { stamp: '', entries: new Map(), holders: new Map() };
    if (this.#present?.stamp !== stamp)
      this.#present = knownOf(stamp, parseIndex((await readIfThere(this.#file)) ?? '', this.files));
    return this.#present;
  }

  async #changeOne(id: string, number: number | null, signal: AbortSignal): Promise<void> {
    this.#wanted.set(id, number);
    const trouble = (await this.#change.run()).get(id);
    signal.throwIfAborted();
    if (trouble === undefined || number === null) return;
    const holder = await this.holder(number);
    if (holder !== null && holder !== id)
      throw new TerminalError(`The number ${number} of this filesystem is in use on its backend, by ${holder}.`);
    throw new Error(`${this.files.fileOf(id)} ${trouble}`);
  }

  async #changed(): Promise<ReadonlyMap<string, string>> {
    const wanted = this.#wanted;
    this.#wanted = new Map();
    return this.files.locked('exports', new AbortController().signal, () => this.#write(wanted));
  }

  /** @returns what is wrong with files that were left out */
  async #write(wanted: ReadonlyMap<string, number | null>): Promise<ReadonlyMap<string, string>> {
    const text = await readIfThere(this.#file);
    // one that was lost is made of the files again
    const entries = new Map(text === null ? await this.#found() : (await this.#known()).entries);
    for (const [id, number] of wanted) {
      // behind all others: of two with one number the later is the one that is refused
      entries.delete(id);
      if (number !== null) entries.set(id, number);
    }
    const troubles = await this.#troubles(entries);
    for (const id of troubles.keys()) entries.delete(id);
    const written = renderIndex(entries, this.files);
    if (written !== text) await replaceFile(this.#file, written, 0o644);
    // under its lock: nobody else has changed it since
    this.#present = knownOf(stampOf(this.#file) ?? '', entries);
    return troubles;
  }

  async #found(): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>();
    for (const id of await this.#ids()) {
      const { number } = await this.#look(id);
      if (number !== null) found.set(id, number);
    }
    return found;
  }

  async #troubles(entries: Entries): Promise<ReadonlyMap<string, string>> {
    await this.#lookAtAll([...entries.keys()]);
    const troubles = new Map<string, string>();
    const taken = new Set<number>();
    for (const [id, number] of entries) {
      const found = this.#read.get(id);
      if (found?.id !== id || found.number !== number)
        troubles.set(id, 'is not as this program has written it: it is left out of the index until its next change.');
      else if (taken.has(number)) troubles.set(id, `has the number ${number}, which another has.`);
      else taken.add(number);
    }
    return troubles;
  }

  async #lookAtAll(ids: readonly string[]): Promise<void> {
    for (const [place, id] of ids.entries()) {
      await this.#look(id);
      // to ask for one file's stamp takes microseconds, but there may be tens of thousands
      if (place % AT_ONCE === 0) await setImmediate();
    }
    const named = new Set(ids);
    for (const id of this.#read.keys()) if (!named.has(id)) this.#read.delete(id);
  }

  /** Reads a file, unless it is the one that was read before. */
  async #look(id: string): Promise<Read> {
    const file = this.files.fileOf(id);
    const stamp = stampOf(file);
    const known = this.#read.get(id);
    if (stamp !== null && known?.stamp === stamp) return known;
    const found = stamp === null ? null : parseGaneshaExport((await readIfThere(file)) ?? '');
    const read = { stamp: stamp ?? '', id: found?.id ?? null, number: found?.number ?? null };
    this.#read.set(id, read);
    return read;
  }

  async #ids(): Promise<readonly string[]> {
    try {
      const names = await readdir(this.files.directory);
      return names
        .filter((name) => name.endsWith('.conf'))
        .map((name) => name.slice(0, -5))
        .filter(isVolumeId);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }
}

/** The text of an index. */
export function renderIndex(entries: Entries, files: ExportFiles): string {
  return HEAD + [...entries].map(([id, number]) => `%include "${files.fileOf(id)}" # ${number}\n`).join('');
}

/** Reads an index; lines that this program does not write are none of its. */
function parseIndex(text: string, { directory }: ExportFiles): Entries {
  const entries = new Map<string, number>();
  for (const [, folder, id = '', number = ''] of text.matchAll(LINE))
    if (folder === directory) entries.set(id, Number(number));
  return entries;
}

function knownOf(stamp: string, entries: Entries): Known {
  return { stamp, entries, holders: new Map([...entries].map(([id, number]) => [number, id])) };
}

/** What changes with a file; null: there is none. Not awaited: it takes microseconds, and waiting in line takes longer. */
function stampOf(file: string): string | null {
  const found = lstatSync(file, { throwIfNoEntry: false });
  return found === undefined ? null : `${found.ino}/${found.size}/${found.mtimeMs}/${found.ctimeMs}`;
}
