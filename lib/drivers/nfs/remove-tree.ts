import { randomUUID } from 'node:crypto';
import { chmod, constants, type FileHandle, lstat, open, opendir, rename, rmdir, unlink } from 'node:fs/promises';
import * as path from 'node:path';
import { errorCode } from '../../error-code';
import { TerminalError } from '../../ports/driver';
import { isMissing } from '../durable-file';
import { openFolder, pathOfOpen } from './open-folder';

/** Opens what this process may not read too (open(2)); Node does not name it. */
const O_PATH = 0o10000000;
/** What a folder is that was replaced since it was looked at: by a link, by a file, by nothing. */
const REPLACED = ['ELOOP', 'ENOTDIR', 'ENOENT'];

/** A folder that is held open: whatever is put in its place, this one is worked in. */
interface Held {
  readonly handle: FileHandle;
  /** Through the handle, where the system can. */
  readonly path: string;
  readonly device: number;
}

/**
 * Removes a directory with everything in it, links themselves and not what they point at, also while its users change it.
 * What is not there is no error; an abort leaves the rest for the next call.
 *
 * Directories deep in it are moved up first, so that no nesting is too deep: its users can make paths longer than the
 * system takes.
 */
export async function removeTree(root: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const held = await openUp(root, null);
  if (held === null) return;
  try {
    for (let name = await emptied(held, held, signal); name !== null; name = await emptied(held, held, signal))
      await removeFolder(path.join(held.path, name), held, signal);
  } finally {
    await held.handle.close();
  }
  await rmdir(root);
}

/** Removes a folder of the root. One that was replaced meanwhile is met again. */
async function removeFolder(folder: string, root: Held, signal: AbortSignal): Promise<void> {
  const held = await openUp(folder, root.device);
  if (held === null) return;
  try {
    await emptied(held, root, signal);
  } finally {
    await held.handle.close();
  }
  await rmdir(folder).catch((error: unknown) => {
    if (!REPLACED.includes(errorCode(error))) throw error;
  });
}

/**
 * Removes the files of a folder, and moves its folders into the root.
 * @returns the name of a folder of the root, null when there is none left
 */
async function emptied(folder: Held, root: Held, signal: AbortSignal): Promise<string | null> {
  for await (const { name } of await opendir(folder.path)) {
    signal.throwIfAborted();
    const each = path.join(folder.path, name);
    const held = await openUp(each, root.device);
    if (held === null) continue;
    await held.handle.close();
    if (folder === root) return name;
    // whatever it is by now: what is no folder is removed from there
    await rename(each, path.join(root.path, randomUUID())).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
  }
  return null;
}

/**
 * Removes what is no directory, and opens a directory, which its owner may have closed to himself.
 * @param device that of the root; null for the root itself
 * @returns null for anything but a directory
 * @throws TerminalError for another file system that is mounted there: its data is not the volume's
 */
async function openUp(each: string, device: number | null): Promise<Held | null> {
  try {
    if (!(await lstat(each)).isDirectory()) {
      await unlink(each);
      return null;
    }
    await openToOwner(each);
    const handle = await openFolder(each);
    const { dev } = await handle.stat();
    if (device !== null && dev !== device) {
      await handle.close();
      throw new TerminalError('Another file system is mounted in this volume: an operator has to unmount it.');
    }
    return { handle, path: pathOfOpen(handle, each), device: dev };
  } catch (error) {
    if (REPLACED.includes(errorCode(error))) return null;
    throw error;
  }
}

/** A path follows a link that was put there; what is open is what it was. */
async function openToOwner(folder: string): Promise<void> {
  if (process.platform !== 'linux') return chmod(folder, 0o700);
  const handle = await open(folder, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    if (((await handle.stat()).mode & 0o700) !== 0o700) await chmod(pathOfOpen(handle, folder), 0o700);
  } finally {
    await handle.close();
  }
}
