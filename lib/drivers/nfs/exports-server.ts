import { access, constants, mkdir } from 'node:fs/promises';
import { isIP } from 'node:net';
import * as path from 'node:path';
import { parseAddress } from '../../domain/address';
import { type AccessList, type AccessResult, NewerRevision, TerminalError, type Volume } from '../../ports/driver';
import type { ProcessIdentity } from '../../ports/process';
import { isFull, isMissing, readIfThere, removeFile, replaceFile } from '../durable-file';
import { withLockFile } from '../lock-file';
import { parseExports, renderExports, revisionIn, sortedClients } from './exports-file';
import type { Reload } from './reload';
import { Reserve } from './reserve';
import type { NfsServer } from './server';
import { fileNameOf } from './volume-id';

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
  readonly #reserve: Reserve;

  /**
   * @param directory where the files are; others in it are left alone
   * @param reload null: the files are only written, something else loads them
   */
  constructor(
    private readonly directory: string,
    private readonly options: readonly string[],
    private readonly reload: Reload | null,
    private readonly self: ProcessIdentity,
  ) {
    this.enforces = reload ? 'server' : 'file';
    this.#reserve = new Reserve(directory);
  }

  async check(signal: AbortSignal): Promise<void> {
    try {
      await access(this.directory, constants.R_OK | constants.W_OK | constants.X_OK);
    } catch (cause) {
      // it is made with the first list
      if (!isMissing(cause))
        throw new TerminalError(
          `The exports directory ${this.directory} cannot be written: check its owner and mode, and that its file system is not read-only.`,
          { cause },
        );
    }
    await this.reload?.check(signal);
  }

  async prepare(): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o755 });
    await this.#reserve.keep();
  }

  async sync(
    volume: Volume,
    where: string,
    list: AccessList,
    mayGrant: boolean,
    signal: AbortSignal,
  ): Promise<AccessResult> {
    const refused = new Map(
      list.addresses
        .filter((each) => isIP(each) !== 4 && parseAddress(each) !== each)
        .map((each) => [each, 'It is no IPv4 or IPv6 address.'] as const),
    );
    const served =
      refused.size === 0 ? list : { ...list, addresses: list.addresses.filter((each) => !refused.has(each)) };
    const missing = await this.#write(volume, where, served, mayGrant, signal);
    return { refused: new Map([...refused, ...missing]) };
  }

  async read(volume: Volume, where: string, signal: AbortSignal): Promise<readonly string[]> {
    if (this.reload) return sortedClients(await this.reload.clients(where, signal));
    const text = await readIfThere(this.#file(volume.id));
    return text === null ? [] : sortedClients(parseExports(text).clients);
  }

  async remove(volume: Volume, where: string, signal: AbortSignal): Promise<void> {
    await this.#locked(volume, signal, async () => {
      await removeFile(this.#file(volume.id));
      await this.reload?.bring(where, [], signal);
    });
  }

  async numbers(): Promise<ReadonlySet<number>> {
    return new Set();
  }

  /** On a full disk the reserve makes room. If even that fails, a list that has somebody who must go is removed: nobody, until there is room. */
  async #write(
    volume: Volume,
    where: string,
    list: AccessList,
    mayGrant: boolean,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string>> {
    const attempt = () =>
      this.#locked(volume, signal, async () => {
        const { before, text, path: exported, addresses } = await this.#change(volume, where, list, mayGrant);
        if (text !== null && text !== before) await replaceFile(this.#file(volume.id), text, 0o644);
        return (await this.reload?.bring(exported, addresses, signal)) ?? new Map<string, string>();
      });
    try {
      const missing = await attempt();
      await this.#reserve.keep();
      return missing;
    } catch (full) {
      if (!isFull(full)) throw full;
    }
    await this.#reserve.spend();
    try {
      return await attempt();
    } catch (full) {
      // without the lock, for which there may be no room either: to remove a list lets in nobody
      if (isFull(full) && (await this.#change(volume, where, list, mayGrant)).takesAway()) {
        await removeFile(this.#file(volume.id));
        await this.reload?.bring(where, [], signal);
      }
      throw full;
    }
  }

  /** @throws NewerRevision */
  async #change(
    volume: Volume,
    where: string,
    { addresses, revision }: AccessList,
    mayGrant: boolean,
  ): Promise<Change> {
    const before = await readIfThere(this.#file(volume.id));
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

  async #locked<Result>({ id }: Volume, signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    signal.throwIfAborted();
    const lock = path.join(this.directory, `.${fileNameOf(id)}.lock`);
    try {
      return await withLockFile(lock, this.self, signal, work);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    // the directory is made when it is missed, not looked for each time; what was begun can be begun again
    await mkdir(this.directory, { recursive: true, mode: 0o755 });
    return withLockFile(lock, this.self, signal, work);
  }

  #file(id: string): string {
    return path.join(this.directory, `${fileNameOf(id)}.exports`);
  }
}

/** Those that are in the other list too. */
function amongst(list: readonly string[], other: readonly string[]): readonly string[] {
  const has = new Set(other);
  return list.filter((each) => has.has(each));
}
