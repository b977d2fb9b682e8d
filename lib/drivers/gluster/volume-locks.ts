import { mkdir } from 'node:fs/promises';
import * as path from 'node:path';
import { TerminalError } from '../../ports/driver';
import type { ProcessIdentity } from '../../ports/process';
import { isMissing } from '../durable-file';
import { withLockFile } from '../lock-file';
import { fileNameOf } from '../volume-id';

/**
 * A lock a volume, between processes of this machine: looking at a revision and setting it are two calls of the CLI. Between
 * machines it is the leases of the database that keep them apart.
 */
export class VolumeLocks {
  /** @param directory absolute; made when it is missed */
  constructor(
    private readonly directory: string,
    private readonly self: ProcessIdentity,
  ) {}

  async hold<Result>(id: string, signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    signal.throwIfAborted();
    const lock = path.join(this.directory, `${fileNameOf(id)}.lock`);
    try {
      return await withLockFile(lock, this.self, signal, work);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    // what was begun can be begun again
    await this.#make();
    return withLockFile(lock, this.self, signal, work);
  }

  async #make(): Promise<void> {
    try {
      await mkdir(this.directory, { recursive: true, mode: 0o700 });
    } catch (cause) {
      throw new TerminalError(`The folder ${this.directory} cannot be made: correct the setting "lockDirectory".`, {
        cause,
      });
    }
  }
}
