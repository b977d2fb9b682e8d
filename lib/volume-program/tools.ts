import { access, constants } from 'node:fs/promises';
import * as path from 'node:path';
import { run } from '../drivers/run';

/** The system's own folders alone: PATH has no say. */
const FOLDERS = ['/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Debian's packages of the programs that are run as root. */
const PACKAGES = {
  mount: 'mount',
  umount: 'mount',
  losetup: 'mount',
  btrfs: 'btrfs-progs',
  'mkfs.xfs': 'xfsprogs',
  xfs_growfs: 'xfsprogs',
  'mkfs.ext4': 'e2fsprogs',
  resize2fs: 'e2fsprogs',
  chattr: 'e2fsprogs',
  lsattr: 'e2fsprogs',
  setquota: 'quota',
  repquota: 'quota',
  rm: 'coreutils',
} as const;

/** A program that the volume program may run. */
export type Tool = keyof typeof PACKAGES;

/**
 * Where a tool is, absolute.
 * @throws Error naming the package that brings it
 */
export async function pathOfTool(tool: Tool): Promise<string> {
  for (const folder of FOLDERS) {
    const file = path.join(folder, tool);
    const isThere = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return file;
  }
  throw new Error(`${tool} is missing on the filer: install ${PACKAGES[tool]}.`);
}

/** Runs a tool, without a shell and with an environment of its own. @returns what it wrote */
export async function runTool(tool: Tool, args: readonly string[], signal: AbortSignal): Promise<string> {
  return run(await pathOfTool(tool), args, signal);
}
