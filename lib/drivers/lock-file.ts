import { randomUUID } from 'node:crypto';
import { lstat, readlink, symlink, unlink } from 'node:fs/promises';
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
 * @param file the lock: a link that points at its holder's name, so that it is made with it, in one step, on a full disk too
 */
export async function withLockFile<Result>(
  file: string,
  self: ProcessIdentity,
  signal: AbortSignal,
  work: () => Promise<Result>,
): Promise<Result> {
  const own = `${randomUUID()} ${self.text}`;
  for (let pause = SHORTEST_WAIT_MILLISECONDS; !(await take(file, own)); pause *= 2) {
    signal.throwIfAborted();
    if (await isAbandoned(file, self)) await takeAway(file, own, self);
    else await wait(Math.min(pause, LONGEST_WAIT_MILLISECONDS), undefined, { signal });
  }
  try {
    return await work();
  } finally {
    // another's, where this one was held for too long
    if ((await holder(file)) === own) await unlink(file);
  }
}

async function take(file: string, own: string): Promise<boolean> {
  try {
    await symlink(own, file);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Null when nobody holds it. Something else in its place is nobody that ever gives it back. */
async function holder(file: string): Promise<string | null> {
  try {
    return await readlink(file);
  } catch (error) {
    if (isMissing(error)) return null;
    if (errorCode(error) === 'EINVAL') return '';
    throw error;
  }
}

async function isAbandoned(file: string, self: ProcessIdentity): Promise<boolean> {
  const held = await holder(file);
  if (held === null) return false;
  return self.isDead(held.replace(/^\S* /, '')) || (await age(file)) > ABANDONED_MILLISECONDS;
}

/** Milliseconds, by the clock of the file system alone, whatever the machines' clocks say. */
async function age(file: string): Promise<number> {
  const probe = `${file}.${randomUUID()}`;
  await symlink('now', probe);
  try {
    const [held, now] = await Promise.all([lstat(file), lstat(probe)]);
    return now.mtimeMs - held.mtimeMs;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  } finally {
    await unlink(probe);
  }
}

/** One at a time, under a lock of its own: of two who find it abandoned, the later would remove the lock of the earlier. */
async function takeAway(file: string, own: string, self: ProcessIdentity): Promise<void> {
  const heir = `${file}.heir`;
  if (!(await take(heir, own))) {
    if (await isAbandoned(heir, self)) await removeIfThere(heir);
    return;
  }
  try {
    if (await isAbandoned(file, self)) await removeIfThere(file);
  } finally {
    await removeIfThere(heir);
  }
}

async function removeIfThere(file: string): Promise<void> {
  await unlink(file).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
}
