import { randomUUID } from 'node:crypto';
import { link, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { errorCode } from '../error-code';
import type { ProcessIdentity } from '../ports/process';
import { isMissing } from './durable-file';

const SHORTEST_WAIT_MILLISECONDS = 5;
const LONGEST_WAIT_MILLISECONDS = 100;
/** No call of a driver takes so long: whoever holds a lock longer is a process of another machine that has ended. */
const ABANDONED_MILLISECONDS = 180_000;

/**
 * Runs `work` while no other process of this or another machine, and nobody else in this one, runs its own under that lock:
 * a second guard behind the leases of the database. The lock of a process that is known to be dead is taken over at once.
 *
 * @param file the lock; it is there while the lock is held
 */
export async function withLockFile<Result>(
  file: string,
  self: ProcessIdentity,
  signal: AbortSignal,
  work: () => Promise<Result>,
): Promise<Result> {
  signal.throwIfAborted();
  const own = `${file}.${randomUUID()}`;
  await writeFile(own, self.text, { flag: 'wx' });
  try {
    for (let pause = SHORTEST_WAIT_MILLISECONDS; !(await take(own, file)); pause *= 2) {
      signal.throwIfAborted();
      if (await isAbandoned(file, own, self)) await takeAway(file, self);
      else await wait(Math.min(pause, LONGEST_WAIT_MILLISECONDS), undefined, { signal });
    }
    try {
      return await work();
    } finally {
      await unlink(file).catch(ignoreMissing);
    }
  } finally {
    await unlink(own).catch(ignoreMissing);
  }
}

/** A link is made whole or not at all: nobody ever reads a lock without its holder. */
async function take(own: string, file: string): Promise<boolean> {
  try {
    await link(own, file);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

async function isAbandoned(file: string, own: string, self: ProcessIdentity): Promise<boolean> {
  try {
    const [holder, held, now] = await Promise.all([readFile(file, 'utf8'), stat(file), stat(own)]);
    // both times are the file system's, whatever the machines' clocks say
    return self.isDead(holder) || now.mtimeMs - held.mtimeMs > ABANDONED_MILLISECONDS;
  } catch (error) {
    ignoreMissing(error);
    return false;
  }
}

/** Renamed before it is removed, so that of two who find it abandoned one alone removes it; a lock that is held again goes back. */
async function takeAway(file: string, self: ProcessIdentity): Promise<void> {
  const taken = `${file}.${randomUUID()}`;
  try {
    await rename(file, taken);
  } catch (error) {
    return ignoreMissing(error);
  }
  const fresh = `${taken}.now`;
  await writeFile(fresh, '');
  if (!(await isAbandoned(taken, fresh, self))) await link(taken, file).catch(() => undefined);
  await Promise.all([unlink(taken), unlink(fresh)]);
}

function ignoreMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}
