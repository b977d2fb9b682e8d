import { parseAddress } from '../../domain/address';
import { type AccessList, type AccessResult, NewerRevision, type Volume } from '../../ports/driver';
import { readIfThere, removeFile } from '../durable-file';
import { amongst, type ExportFiles, servedOf } from './export-files';
import { parseExports, renderExports, revisionIn, sortedClients } from './exports-file';
import type { Reload } from './reload';
import type { NfsServer } from './server';

/** What is to stand in a file, and what stands there. */
interface Change {
  readonly before: string | null;
  /** Null: no file, where there is none and nobody may be let in. */
  readonly text: string | null;
  readonly path: string;
  readonly addresses: readonly string[];
  /** Whether somebody who stands there has to go. */
  readonly takesAway: () => boolean;
}

/**
 * The kernel's NFS server, by one exports(5) file a filesystem in a directory of its own. Check, write, reload and
 * read-back happen under one lock a volume.
 */
export class ExportsServer implements NfsServer {
  readonly enforces: 'server' | 'file';
  readonly largestNumber = null;

  /** @param reload null: the files are only written, something else loads them */
  constructor(
    private readonly files: ExportFiles,
    private readonly options: readonly string[],
    private readonly reload: Reload | null,
  ) {
    this.enforces = reload ? 'server' : 'file';
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.files.check();
    await this.reload?.check(signal);
  }

  async prepare(): Promise<void> {
    await this.files.prepare();
  }

  async sync(
    volume: Volume,
    where: string,
    list: AccessList,
    mayGrant: boolean,
    signal: AbortSignal,
  ): Promise<AccessResult> {
    const { served, refused } = servedOf(list);
    const missing = await this.files.change(
      () => this.#write(volume, where, served, mayGrant, signal),
      () => this.#withdraw(volume, where, served, mayGrant, signal),
    );
    return { refused: new Map([...refused, ...missing]) };
  }

  async read(volume: Volume, where: string, signal: AbortSignal): Promise<readonly string[]> {
    const text = await readIfThere(this.files.fileOf(volume.id));
    const filed = text === null ? [] : parseExports(text).clients;
    const clients = this.reload ? await this.reload.clients(where, signal) : filed;
    return [
      ...sortedClients(clients),
      ...(this.#isAsWritten(text, volume, where) ? [] : [this.files.fileOf(volume.id)]),
    ];
  }

  /** Whether a file exports what we write and nothing else: no other path, no other options, no line of somebody else. */
  #isAsWritten(text: string | null, volume: Volume, where: string): boolean {
    if (text === null) return true;
    const addresses = parseExports(text).clients;
    if (addresses.some((each) => parseAddress(each) !== each)) return true; // told by its name already
    const written = renderExports({ ...volume, revision: 0n, path: where, addresses, options: this.options });
    return withoutComments(text) === withoutComments(written);
  }

  /** The kernel's server goes by the path, and exports none that is no mount point where volumes are mounted. */
  async release(): Promise<void> {}

  async remove({ id }: Volume, where: string, signal: AbortSignal): Promise<void> {
    await this.files.locked(id, signal, async () => {
      await removeFile(this.files.fileOf(id));
      await this.reload?.bring(where, [], signal);
    });
  }

  async numbers(): Promise<ReadonlySet<number>> {
    return new Set();
  }

  async #write(
    volume: Volume,
    where: string,
    list: AccessList,
    mayGrant: boolean,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string>> {
    return this.files.locked(volume.id, signal, async () => {
      const { before, text, path: exported, addresses } = await this.#change(volume, where, list, mayGrant);
      if (text !== null && text !== before) await this.files.replace(volume.id, text);
      return (await this.reload?.bring(exported, addresses, signal)) ?? new Map<string, string>();
    });
  }

  /** A list that has somebody who must go, and cannot be written, is removed: nobody, until there is room. */
  async #withdraw(
    volume: Volume,
    where: string,
    list: AccessList,
    mayGrant: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    if (!(await this.#change(volume, where, list, mayGrant)).takesAway()) return;
    await removeFile(this.files.fileOf(volume.id));
    await this.reload?.bring(where, [], signal);
  }

  /** @throws NewerRevision */
  async #change(
    volume: Volume,
    where: string,
    { addresses, revision }: AccessList,
    mayGrant: boolean,
  ): Promise<Change> {
    const before = await readIfThere(this.files.fileOf(volume.id));
    if (before !== null && revisionIn(before) > revision) throw new NewerRevision(revisionIn(before));
    const clients = () => (before === null ? [] : parseExports(before).clients);
    // a list that only shrinks stays where it is, whatever is configured since
    const exported = mayGrant || before === null ? where : (parseExports(before).path ?? where);
    const wanted = mayGrant ? addresses : amongst(addresses, clients());
    return {
      before,
      text:
        before === null && !mayGrant
          ? null
          : renderExports({ ...volume, revision, path: exported, addresses: wanted, options: this.options }),
      path: exported,
      addresses: wanted,
      takesAway: () => amongst(clients(), wanted).length < clients().length,
    };
  }
}

function withoutComments(text: string): string {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n');
}
