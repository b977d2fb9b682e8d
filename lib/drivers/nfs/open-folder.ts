import { constants, type FileHandle, open } from 'node:fs/promises';

/** Opens a folder, and no link in its place. */
export async function openFolder(folder: string): Promise<FileHandle> {
  return open(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
}

/**
 * The way into an open folder, where the system has one: its users may put a link in its place meanwhile, and its path may
 * be too long.
 */
export function pathOfOpen({ fd }: FileHandle, folder: string): string {
  return process.platform === 'linux' ? `/proc/self/fd/${fd}` : folder;
}
