import { access, constants, readFile } from 'node:fs/promises';
import { parseAddress } from '../../domain/address';
import { TerminalError } from '../../ports/driver';
import { isMissing } from '../durable-file';
import { ProgramFailed, run } from '../run';
import type { Command } from '../settings';
import { SharedRun } from '../shared-run';
import { parseTable } from './exports-file';

const LONGEST_MILLISECONDS = 60_000;

/**
 * `exportfs -ra`, which serves all volumes: calls that arrive while one runs share the next one. Its exit code proves nothing
 * (0 for an address that it skipped, 1 for another file's fault): what the server then has is read back from its table.
 */
export class Reload {
  readonly #load = new SharedRun(() => this.#loaded());

  /**
   * @param command what makes the server load its files
   * @param table where it keeps what it has, `/var/lib/nfs/etab`
   */
  constructor(
    private readonly command: Command,
    private readonly table: string,
  ) {}

  /** @throws TerminalError when there is no such program */
  async check(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const [program] = this.command;
    try {
      await access(program, constants.X_OK);
    } catch (cause) {
      throw new TerminalError(
        `${program} cannot be run: install nfs-kernel-server (Debian) or nfs-utils, or correct the setting "reload".`,
        { cause },
      );
    }
  }

  /**
   * Loads the files, and compares what the server then has for a path with what it should.
   * @returns addresses that it has not taken, with the reason for their owner
   * @throws Error when it still lets in somebody else, or has taken none at all
   */
  async bring(path: string, addresses: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    await this.#load.run();
    signal.throwIfAborted();
    const taken = await this.#taken(path, signal);
    if (!taken) throw new Error(`the NFS server has no table ${this.table}: correct the setting "table"`);
    const found = new Set(taken);
    const wanted = new Set(addresses);
    const tooMany = [...found].filter((each) => !wanted.has(each));
    if (tooMany.length > 0)
      throw new Error(`the NFS server still lets ${tooMany.length} into ${path}: ${tooMany.slice(0, 3).join(', ')}`);
    const missing = addresses.filter((each) => !found.has(each));
    if (missing.length > 0 && missing.length === addresses.length)
      throw new Error(`the NFS server has not taken the exports of ${path}: is its directory one that exportfs reads?`);
    return new Map(missing.map((each) => [each, 'The NFS server has not taken this address.']));
  }

  /** Whom the server lets in now, in the order of its table. */
  async clients(path: string, signal: AbortSignal): Promise<readonly string[]> {
    return (await this.#taken(path, signal)) ?? [];
  }

  /** Null: the server has no table. */
  async #taken(path: string, signal: AbortSignal): Promise<readonly string[] | null> {
    try {
      const clients = parseTable(await readFile(this.table, { encoding: 'utf8', signal })).get(path) ?? [];
      return clients.map((client) => parseAddress(client) ?? client);
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  async #loaded(): Promise<void> {
    const [program, ...args] = this.command;
    try {
      await run(program, args, AbortSignal.timeout(LONGEST_MILLISECONDS));
    } catch (error) {
      // another file's fault is not this one's: the table tells
      if (!(error instanceof ProgramFailed) || error.exitCode === null) throw error;
    }
  }
}
