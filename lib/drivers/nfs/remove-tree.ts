import { randomUUID } from 'node:crypto';
import { chmod, lstat, opendir, rename, rmdir, unlink } from 'node:fs/promises';
import * as path from 'node:path';
import { TerminalError } from '../../ports/driver';
import { isMissing } from '../durable-file';

/**
 * Removes a directory with everything in it, links themselves and not what they point at. What is not there is no error; an
 * abort leaves the rest for the next call. Nobody else may be able to change it meanwhile.
 *
 * Directories deep in it are moved up first, so that no nesting is too deep: its users can make paths longer than the
 * system takes.
 */
export async function removeTree(root: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const device = await openUp(root, null);
  if (device === null) return;
  const empty = (folder: string) => emptiedOfFiles(folder, root, device, signal);
  for (let folder = await empty(root); folder !== null; folder = await empty(root)) {
    await empty(folder);
    await rmdir(folder);
  }
  await rmdir(root);
}

/**
 * Removes the files of a folder, and moves its folders into the root.
 * @returns a folder of the root, null when there is none left
 */
async function emptiedOfFiles(
  folder: string,
  root: string,
  device: number,
  signal: AbortSignal,
): Promise<string | null> {
  for await (const { name } of await opendir(folder)) {
    signal.throwIfAborted();
    const each = path.join(folder, name);
    if ((await openUp(each, device)) === null) continue;
    if (folder === root) return each;
    await rename(each, path.join(root, randomUUID()));
  }
  return null;
}

/**
 * Removes what is no directory, and opens a directory that its owner has closed to himself.
 * @param device that of the root; null for the root itself
 * @returns the device of a directory, null for anything else
 * @throws TerminalError for another file system that is mounted there: its data is not the volume's
 */
async function openUp(each: string, device: number | null): Promise<number | null> {
  try {
    const found = await lstat(each);
    if (found.isDirectory()) {
      if (device !== null && found.dev !== device)
        throw new TerminalError('Another file system is mounted in this volume: an operator has to unmount it.');
      if ((found.mode & 0o700) !== 0o700) await chmod(each, 0o700);
      return found.dev;
    }
    await unlink(each);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  return null;
}
