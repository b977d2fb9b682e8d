import { lstat, opendir } from 'node:fs/promises';
import * as path from 'node:path';
import { errorCode } from '../../error-code';
import { openFolder, pathOfOpen } from './open-folder';

/** Of `st_blocks`, whatever the file system's own blocks are (stat(2)). */
const BLOCK_BYTES = 512n;

/** What tenants can do to their own files so that nobody can count them: closed to this process, nested too deeply. */
const UNCOUNTABLE = ['EACCES', 'EPERM', 'EMFILE', 'ENFILE', 'ENAMETOOLONG', 'ELOOP', 'ENOTDIR'];
const GONE = ['ENOENT', 'ELOOP', 'ENOTDIR'];

/**
 * What a directory and everything in it takes on its file system, bytes. Follows no link and enters no other file system,
 * also while its users change it; a file with several names counts once.
 * @returns null when there is none, or when it cannot be told
 */
export async function allocatedBytes(root: string, signal: AbortSignal): Promise<bigint | null> {
  try {
    return (await blocksOf(root, null, new Set(), signal)) * BLOCK_BYTES;
  } catch (error) {
    if (signal.aborted || !['ENOENT', ...UNCOUNTABLE].includes(errorCode(error))) throw error;
    return null;
  }
}

/**
 * @param device of the root; null for the root itself
 * @param counted files with several names, by inode
 */
async function blocksOf(
  folder: string,
  device: bigint | null,
  counted: Set<bigint>,
  signal: AbortSignal,
): Promise<bigint> {
  const handle = await openFolder(folder);
  try {
    const { dev, blocks } = await handle.stat({ bigint: true });
    if (device !== null && device !== dev) return 0n;
    return blocks + (await blocksIn(pathOfOpen(handle, folder), dev, counted, signal));
  } finally {
    await handle.close();
  }
}

async function blocksIn(folder: string, device: bigint, counted: Set<bigint>, signal: AbortSignal): Promise<bigint> {
  let blocks = 0n;
  for await (const { name } of await opendir(folder)) {
    signal.throwIfAborted();
    const each = path.join(folder, name);
    const found = await unlessGone(lstat(each, { bigint: true }));
    if (!found) continue;
    if (found.isDirectory()) blocks += (await unlessGone(blocksOf(each, device, counted, signal))) ?? 0n;
    else if (found.nlink === 1n) blocks += found.blocks;
    else if (!counted.has(found.ino)) {
      counted.add(found.ino);
      blocks += found.blocks;
    }
  }
  return blocks;
}

/** What its users have removed or replaced since it was listed counts nothing. */
async function unlessGone<Result>(found: Promise<Result>): Promise<Result | null> {
  try {
    return await found;
  } catch (error) {
    if (GONE.includes(errorCode(error))) return null;
    throw error;
  }
}
