import { constants, lstat, open, rename, unlink } from 'node:fs/promises';
import * as path from 'node:path';
import { errorCode } from '../error-code';

/** Made, or begun anew; a link is not followed. */
const FRESH = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;

/**
 * Replaces a file: whoever reads meets the old one or the new one, whole, and after a power cut too. The new one is written
 * beside it under a name that begins with a dot, always the same: what a killed process left is used again. So one writer a file.
 * @param sync makes the folder's names last: where many files are replaced at once, they can share it
 */
export async function replaceFile(
  file: string,
  text: string,
  mode: number,
  sync: (folder: string) => Promise<void> = syncFolder,
): Promise<void> {
  const folder = path.dirname(file);
  const beside = path.join(folder, `.${path.basename(file)}.new`);
  try {
    const handle = await open(beside, FRESH, mode);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, file);
  } catch (error) {
    await unlink(beside).catch(() => undefined);
    throw error;
  }
  await sync(folder);
}

/** Removes a file for good; one that is not there is no error. @returns whether it was there */
export async function removeFile(file: string): Promise<boolean> {
  try {
    await unlink(file);
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
  await syncFolder(path.dirname(file));
  return true;
}

/**
 * The text of a file; null where there is none. A link in its place is not followed and reads as empty: whoever writes the
 * file replaces it.
 */
export async function readIfThere(file: string): Promise<string | null> {
  try {
    const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      return await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (isMissing(error)) return null;
    if (errorCode(error) === 'ELOOP') return '';
    throw error;
  }
}

/** Whether a name is there, whatever it is: a link is not followed. */
export async function isThere(file: string): Promise<boolean> {
  try {
    await lstat(file);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Whether a call failed for lack of room. */
export function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(errorCode(error));
}

/** Whether a call failed because there is no such file or folder. */
export function isMissing(error: unknown): boolean {
  return errorCode(error) === 'ENOENT';
}

/** Names in a folder are as lasting as files only after this. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
