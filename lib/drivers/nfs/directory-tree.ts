import { chmod, lstat, opendir, rmdir, unlink } from 'node:fs/promises';
import * as path from 'node:path';
import { isMissing } from '../durable-file';

/** Of `st_blocks`, whatever the file system's own blocks are (stat(2)). */
const BLOCK_BYTES = 512n;

/**
 * What a directory and everything in it takes on its file system, bytes. Follows no link and enters no other file system; a
 * file with several names counts once.
 */
export async function allocatedBytes(root: string, signal: AbortSignal): Promise<bigint> {
  const { dev, blocks } = await lstat(root, { bigint: true });
  return (blocks + (await blocksBelow(root, dev, new Set(), signal))) * BLOCK_BYTES;
}

/** @param counted files with several names, by inode */
async function blocksBelow(folder: string, device: bigint, counted: Set<bigint>, signal: AbortSignal): Promise<bigint> {
  let blocks = 0n;
  for (const each of await namesIn(folder, signal)) {
    const found = await lstatIfThere(each);
    if (!found || found.dev !== device || counted.has(found.ino)) continue;
    blocks += found.blocks;
    if (found.isDirectory()) blocks += await blocksBelow(each, device, counted, signal);
    else if (found.nlink > 1n) counted.add(found.ino);
  }
  return blocks;
}

/**
 * Removes a directory with everything in it, links themselves and not what they point at. What is not there is no error; an
 * abort leaves the rest for the next call.
 */
export async function removeTree(root: string, signal: AbortSignal): Promise<void> {
  const found = await lstatIfThere(root);
  if (!found) return;
  if (!found.isDirectory()) {
    await unlink(root);
    return;
  }
  // its owner may have closed it to himself
  if ((found.mode & 0o700n) !== 0o700n) await chmod(root, 0o700);
  for (const each of await namesIn(root, signal)) await removeTree(each, signal);
  await rmdir(root);
}

/** The full names in a folder; one that went meanwhile has none. */
async function namesIn(folder: string, signal: AbortSignal): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of await opendir(folder)) {
      signal.throwIfAborted();
      names.push(path.join(folder, name));
    }
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  return names;
}

async function lstatIfThere(file: string) {
  try {
    return await lstat(file, { bigint: true });
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
