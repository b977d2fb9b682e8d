import type { Stats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import * as path from 'node:path';

const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;

/**
 * Requires that a folder and all above it are root's, and that nobody else can rename anything on the way: then no link can
 * be put there between a look and a step.
 * @param folder absolute, without `.` and `..`
 * @throws Error naming the first that is not so
 */
export async function requireRootsFolder(folder: string): Promise<void> {
  const parent = path.dirname(folder);
  if (parent !== folder) await requireRootsFolder(parent);
  const why = await wrongWith(folder);
  if (why !== null) throw new Error(`${folder} ${why}`);
}

async function wrongWith(folder: string): Promise<string | null> {
  const found = await lstat(folder).catch(() => null);
  if (found === null) return 'is not there';
  // of a link too, whose target would be somebody else's choice
  if (!found.isDirectory()) return 'is no directory (links are not followed)';
  return wrongOwnership(found, STICKY);
}

/**
 * What is wrong with the owner or the mode of something that only root may change; null: nothing.
 * @param pardon a bit with which the mode is right all the same
 */
export function wrongOwnership({ uid, mode }: Pick<Stats, 'uid' | 'mode'>, pardon = 0): string | null {
  if (uid !== 0) return "is not root's: chown it to root";
  if ((mode & WRITABLE_BY_OTHERS) !== 0 && (mode & pardon) === 0) return 'can be written by others: chmod go-w';
  return null;
}
