import { access, constants, mkdir } from 'node:fs/promises';
import { isIP } from 'node:net';
import * as path from 'node:path';
import { parseAddress } from '../../domain/address';
import { type AccessList, TerminalError } from '../../ports/driver';
import type { ProcessIdentity } from '../../ports/process';
import { isFull, isMissing, replaceFile, syncFolder } from '../durable-file';
import { withLockFile } from '../lock-file';
import { SharedRun } from '../shared-run';
import { fileNameOf } from '../volume-id';
import { Reserve } from './reserve';

/** The directory in which an NFS server finds one file a volume: who may write there when, and what to do when it is full. */
export class ExportFiles {
  readonly #reserve: Reserve;
  readonly #sync: SharedRun<void>;

  /**
   * @param directory absolute; what else is in it is left alone
   * @param ending of the files' names, `.exports`
   */
  constructor(
    readonly directory: string,
    private readonly ending: string,
    private readonly self: ProcessIdentity,
  ) {
    this.#reserve = new Reserve(directory);
    this.#sync = new SharedRun(() => syncFolder(directory));
  }

  /** @throws Error when it is no id of a volume */
  fileOf(id: string): string {
    return path.join(this.directory, fileNameOf(id) + this.ending);
  }

  /** Writes the file of a volume. Many that are written at once are made to last together. */
  async replace(id: string, text: string): Promise<void> {
    await replaceFile(this.fileOf(id), text, 0o644, () => this.#sync.run());
  }

  /** @throws TerminalError when the directory cannot be written. None: it is made with the first list. */
  async check(): Promise<void> {
    try {
      await access(this.directory, constants.R_OK | constants.W_OK | constants.X_OK);
    } catch (cause) {
      if (!isMissing(cause))
        throw new TerminalError(
          `The exports directory ${this.directory} cannot be written: check its owner and mode, and that its file system is not read-only.`,
          { cause },
        );
    }
  }

  async prepare(): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o755 });
    await this.#reserve.keep();
  }

  /** Works on the file of a volume, or on another that all share, alone. */
  async locked<Result>(name: string, signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    signal.throwIfAborted();
    if (!/^[A-Za-z0-9-]+$/.test(name)) throw new Error('a lock is named as a volume, or by a plain word');
    const lock = path.join(this.directory, `.${name}.lock`);
    try {
      return await withLockFile(lock, this.self, signal, work);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    // the directory is made when it is missed, not looked for each time; what was begun can be begun again
    await mkdir(this.directory, { recursive: true, mode: 0o755 });
    return withLockFile(lock, this.self, signal, work);
  }

  /**
   * Makes a change; on a full disk once more, with the room of the reserve.
   * @param withdraw ends access without room and without a lock, for which there may be no room either: to end it lets in nobody
   */
  async change<Result>(attempt: () => Promise<Result>, withdraw: () => Promise<void>): Promise<Result> {
    try {
      const result = await attempt();
      await this.#reserve.keep();
      return result;
    } catch (full) {
      if (!isFull(full)) throw full;
    }
    await this.#reserve.spend();
    try {
      return await attempt();
    } catch (full) {
      if (isFull(full)) await withdraw();
      throw full;
    }
  }
}

/** Parts what a server can be told from what is no address at all, and is refused. */
export function servedOf(list: AccessList): { readonly served: AccessList; readonly refused: Map<string, string> } {
  const refused = new Map(
    list.addresses
      .filter((each) => isIP(each) !== 4 && parseAddress(each) !== each)
      .map((each) => [each, 'It is no IPv4 or IPv6 address.'] as const),
  );
  if (refused.size === 0) return { served: list, refused };
  return { served: { ...list, addresses: list.addresses.filter((each) => !refused.has(each)) }, refused };
}

/** Those that are in the other list too. */
export function amongst(list: readonly string[], other: readonly string[]): readonly string[] {
  const has = new Set(other);
  return list.filter((each) => has.has(each));
}
