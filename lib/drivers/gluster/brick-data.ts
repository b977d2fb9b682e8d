import type { run } from '../run';
import type { Command } from '../settings';
import { checked } from './command';
import type { BrickRoot } from './layout';

/** Stands for the brick's host in the setting. */
const HOST = '{host}';
/** What it goes on with where it was ended; no link is followed, no other file system entered. */
const REMOVE: Command = ['/usr/bin/rm', '-rf', '--one-file-system', '--'];

/** Removes what a volume leaves on its bricks: Gluster itself never does. */
export class BrickData {
  /** @param prefix what runs a program on a brick's host, `["/usr/bin/ssh", "root@{host}"]` */
  constructor(
    private readonly prefix: Command,
    private readonly execute: typeof run,
  ) {}

  /** The volume is stopped. What is not there is no error; an abort leaves the rest for the next call. */
  async remove(folders: readonly BrickRoot[], signal: AbortSignal): Promise<void> {
    for (const { host, path } of folders) {
      const [program, ...args] = [...this.prefix, ...REMOVE] as const;
      await this.execute(program, [...args.map((each) => each.replaceAll(HOST, checked(host))), checked(path)], signal);
    }
  }
}
