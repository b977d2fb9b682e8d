import { mkdir, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises';
import * as path from 'node:path';
import { errorCode } from '../../error-code';
import { type AccessList, type AccessResult, NewerRevision, TerminalError, type Volume } from '../../ports/driver';
import type { ProcessIdentity } from '../../ports/process';
import { isMissing, removeFile, replaceFile } from '../durable-file';
import { withLockFile } from '../lock-file';
import { parseExports, renderExports } from './exports-file';
import type { Reload } from './reload';
import type { NfsServer } from './server';

/** Kept so that a shorter list can be written when the disk is full: longer than a list of 10,000 addresses. */
const RESERVE_BYTES = 1_500_000;

/**
 * The kernel's NFS server, by one exports(5) file a filesystem in a directory of its own. Check, write, reload and
 * read-back happen under one lock a volume.
 */
export class ExportsServer implements NfsServer {
  readonly enforces: 'server' | 'file';

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
  }

  async check(signal: AbortSignal): Promise<void> {
    try {
      await mkdir(this.directory, { recursive: true, mode: 0o755 });
      await this.#reserve();
    } catch (cause) {
      throw new TerminalError(`The exports directory ${this.directory} cannot be written: check its owner and mode.`, {
        cause,
      });
    }
    await this.reload?.check(signal);
  }

  async sync(volume: Volume, where: string | null, access: AccessList, signal: AbortSignal): Promise<AccessResult> {
    return this.#locked(volume, signal, async () => {
      const text = await this.#read(volume.id);
      const present = text === null ? null : parseExports(text);
      if (present && present.revision > access.revision) throw new NewerRevision(present.revision);
      if (where !== null) return this.#replace(volume, text, where, access, signal);
      // a list can shrink without its volume
      if (present === null) return { refused: new Map() };
      const had = new Set(present.clients);
      const rest = access.addresses.filter((each) => had.has(each));
      return this.#replace(volume, text, present.path ?? '', { ...access, addresses: rest }, signal);
    });
  }

  async #replace(
    { id, name }: Volume,
    before: string | null,
    where: string,
    { addresses, revision }: AccessList,
    signal: AbortSignal,
  ): Promise<AccessResult> {
    const text = renderExports({ id, name, revision, path: where, addresses, options: this.options });
    if (text !== before) await this.#write(id, text, () => isShorter(before, addresses));
    return { refused: (await this.reload?.bring(where, addresses, signal)) ?? new Map() };
  }

  async read(volume: Volume, where: string, signal: AbortSignal): Promise<readonly string[]> {
    if (this.reload) return this.reload.clients(where, signal);
    const text = await this.#read(volume.id);
    return text === null ? [] : parseExports(text).clients;
  }

  async remove(volume: Volume, where: string, signal: AbortSignal): Promise<void> {
    await this.#locked(volume, signal, async () => {
      await removeFile(this.#file(volume.id));
      await this.reload?.bring(where, [], signal);
    });
  }

  async #locked<Result>({ id }: Volume, signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    await mkdir(this.directory, { recursive: true, mode: 0o755 });
    return withLockFile(path.join(this.directory, `.${id}.lock`), this.self, signal, work);
  }

  /** On a full disk the reserve makes room. If even that fails, the file of one who has to go is removed: nobody, until there is room. */
  async #write(id: string, text: string, takesAway: () => boolean): Promise<void> {
    const file = this.#file(id);
    try {
      await replaceFile(file, text, 0o644);
    } catch (full) {
      if (!isFull(full)) throw full;
      await unlink(this.#reserveFile()).catch(() => undefined);
      try {
        await replaceFile(file, text, 0o644);
      } catch (error) {
        if (takesAway()) await removeFile(file);
        throw error;
      }
    }
  }

  async #reserve(): Promise<void> {
    const file = this.#reserveFile();
    const size = await stat(file).then(
      (found) => found.size,
      () => 0,
    );
    if (size === RESERVE_BYTES) return;
    const beside = `${file}.${process.pid}`;
    try {
      await writeFile(beside, Buffer.alloc(RESERVE_BYTES, '#'));
      await rename(beside, file);
    } catch (error) {
      await unlink(beside).catch(() => undefined);
      if (!isFull(error)) throw error;
    }
  }

  async #read(id: string): Promise<string | null> {
    try {
      return await readFile(this.#file(id), 'utf8');
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  #file(id: string): string {
    return path.join(this.directory, `${id}.exports`);
  }

  #reserveFile(): string {
    return path.join(this.directory, '.reserve');
  }
}

function isShorter(before: string | null, addresses: readonly string[]): boolean {
  const has = new Set(addresses);
  return before !== null && parseExports(before).clients.some((each) => !has.has(each));
}

function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(errorCode(error));
}
