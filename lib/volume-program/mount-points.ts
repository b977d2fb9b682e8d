import { mkdir, readdir, readlink } from 'node:fs/promises';
import * as path from 'node:path';
import { withLock } from './locks';
import { mountAt, mountsByPlace } from './mounts';
import { requireRootsFolder } from './ownership';
import { runTool } from './tools';

/** Of the file system of mount points: it has folders alone. */
const EMPTY = 'nodev,nosuid,noexec,size=1m,nr_inodes=1m,mode=750,uid=0';

/**
 * Makes the folder of mount points a file system of its own, in memory. A server that exports a bare mount point exports
 * the file system that this lies on, and a handle that a tenant makes up opens anything on it: so there is nothing else on
 * it, and after a start of the machine no mount point at all.
 * @param gid who may look where volumes are
 * @throws Error
 */
export async function prepareMountPoints(folder: string, gid: number, signal: AbortSignal): Promise<void> {
  if (!(await isPrepared(folder))) {
    await mkdir(folder, { recursive: true, mode: 0o755 });
    await requireRootsFolder(folder);
    // of two, the second would hide what the first has mounted since
    await withLock('mounts', signal, async () => {
      if (await isPrepared(folder)) return;
      const below = [...(await mountsByPlace()).keys()].find((each) => each.startsWith(`${folder}/`));
      if (below !== undefined)
        throw new Error(
          `${folder} is not the file system of mount points, and ${below} is mounted in it: unmount that.`,
        );
      await runTool('mount', ['-t', 'tmpfs', '-o', `${EMPTY},gid=${gid}`, '--', 'volumes', folder], signal);
    });
  }
  await requireRootsFolder(folder);
}

async function isPrepared(folder: string): Promise<boolean> {
  const found = await mountAt(folder);
  if (found !== null && found.type !== 'tmpfs')
    throw new Error(
      `${folder} has ${found.type} mounted on it, and is to be a folder: the program mounts a tmpfs there by itself.`,
    );
  return found !== null;
}

/** Names of mount points on which nothing is mounted, and of whatever else is there. */
export async function bareMountPoints(folder: string): Promise<readonly string[]> {
  const [names, mounted] = [await readdir(folder), await mountsByPlace()];
  return names.filter((name) => !mounted.has(path.join(folder, name)));
}

/**
 * Requires that mounts of this process are those of the machine: what a service mounts whose view of the file systems is
 * its own, no server sees. In a container, the first process is that of the container. Where it cannot be looked at,
 * nothing is known, and nothing required.
 * @throws Error
 */
export async function requireMountsOfMachine(own = '/proc/self/ns/mnt', ofFirst = '/proc/1/ns/mnt'): Promise<void> {
  const [ours, theirs] = await Promise.all([own, ofFirst].map((each) => readlink(each).catch(() => '')));
  if (ours !== '' && theirs !== '' && ours !== theirs)
    throw new Error(
      'What this program mounts, no server would see: it was started in a mount namespace of its own. Remove the settings ' +
        'of its systemd unit that make one, such as ProtectSystem, ProtectHome, ReadWritePaths and PrivateTmp (docs/filers.md).',
    );
}
