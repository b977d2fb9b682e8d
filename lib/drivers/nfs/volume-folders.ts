import { lstat, readdir, statfs } from 'node:fs/promises';
import { type Room, TerminalError } from '../../ports/driver';
import { isMissing } from '../durable-file';
import { isVolumeId } from '../volume-id';

/**
 * Of links never: what a link points at is not the volume.
 * @param what a volume has there
 * @throws TerminalError for something else in its place
 */
export async function isVolume(file: string, what: 'directory' | 'file' = 'directory'): Promise<boolean> {
  try {
    const found = await lstat(file);
    if (what === 'directory' ? !found.isDirectory() : !found.isFile())
      throw new TerminalError('Something else stands where the volume of this filesystem should be.');
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Ids of the volumes in a folder; other names are left out. No folder: none. @param suffix of their names */
export async function volumesIn(folder: string, suffix = ''): Promise<readonly string[]> {
  try {
    const found = await readdir(folder, { withFileTypes: true });
    return found
      .filter((each) => (suffix === '' ? each.isDirectory() : each.isFile() && each.name.endsWith(suffix)))
      .map(({ name }) => name.slice(0, name.length - suffix.length))
      .filter(isVolumeId);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Of the file system that a folder is on, as an ordinary user has it. */
export async function roomOf(folder: string): Promise<Room> {
  const { bsize, blocks, bavail } = await statfs(folder, { bigint: true });
  return { totalBytes: blocks * bsize, freeBytes: bavail * bsize };
}
