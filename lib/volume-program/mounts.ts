import { chmod, lstat, mkdir, opendir, readFile, rmdir } from 'node:fs/promises';
import { isMissing } from '../drivers/durable-file';
import { errorCode } from '../error-code';
import { TerminalError } from '../ports/driver';
import { runTool } from './tools';

/** One line of `/proc/self/mountinfo` (proc(5)). */
export interface Mount {
  /** Which folder of the file system is mounted there. */
  readonly root: string;
  readonly target: string;
  readonly type: string;
  /** A device, such as `/dev/loop3`. */
  readonly source: string;
  /** Of the mount and of its file system. */
  readonly options: ReadonlySet<string>;
}

/** Reads the table of mounts, later ones last: of several at one place, the last is the one that is seen. */
export function parseMounts(text: string): readonly Mount[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [own = '', fileSystem = ''] = line.split(' - ');
      const [, , , root = '', target = '', options = ''] = own.split(' ');
      const [type = '', source = '', ofFileSystem = ''] = fileSystem.split(' ');
      return {
        root: plain(root),
        target: plain(target),
        type,
        source: plain(source),
        options: new Set([...options.split(','), ...ofFileSystem.split(',')]),
      };
    });
}

/** What is mounted, by its place. */
export async function mountsByPlace(): Promise<ReadonlyMap<string, Mount>> {
  const mounts = parseMounts(await readFile('/proc/self/mountinfo', 'utf8'));
  return new Map(mounts.map((mount) => [mount.target, mount]));
}

/** What is mounted at exactly this place; null: nothing. */
export async function mountAt(target: string): Promise<Mount | null> {
  const mounts = parseMounts(await readFile('/proc/self/mountinfo', 'utf8'));
  return mounts.findLast((mount) => mount.target === target) ?? null;
}

/** The mount that a folder is in. */
export async function mountOf(folder: string): Promise<Mount> {
  const mounts = parseMounts(await readFile('/proc/self/mountinfo', 'utf8'));
  const above = mounts.filter(({ target }) => `${folder}/`.startsWith(target === '/' ? '/' : `${target}/`));
  const longest = Math.max(...above.map(({ target }) => target.length));
  const found = above.findLast(({ target }) => target.length === longest);
  if (!found) throw new Error(`${folder} is in no mount`);
  return found;
}

/** Mounted by themselves, so that nothing in a volume is ever a device or a program on the filer. */
const SAFE = 'nodev,nosuid,noexec';

/**
 * Mounts a volume at a bare folder that nobody can write into, which it makes where it is missing. A volume that is not
 * mounted has none: a server would export it.
 */
export async function mountVolume(
  target: string,
  type: string,
  options: string,
  source: string,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(target, { mode: 0 }).catch(async (error: unknown) => {
    if (errorCode(error) !== 'EEXIST' || !(await lstat(target)).isDirectory()) throw error;
  });
  await chmod(target, 0);
  try {
    await runTool('mount', ['-t', type, '-o', `${SAFE},${options}`, '--', source, target], signal);
  } catch (error) {
    await rmdir(target).catch(() => undefined);
    throw error;
  }
}

/** What the kernel tells of a file system that it has stopped, in the options of its mount. */
const STOPPED = ['ro', 'emergency_ro', 'shutdown'];

/** Why a volume that is mounted cannot be written; null: it can. */
export async function faultOf({ target, options }: Mount): Promise<string | null> {
  const stopped = STOPPED.find((each) => options.has(each)) ?? (await codeOfLook(target));
  return (
    stopped &&
    `The file system of this volume has stopped (${stopped}), as when its storage was full or failed: make room on the storage, end the volume's export, unmount ${target}, and have it mounted again (docs/drivers.md).`
  );
}

/** XFS that was shut down tells nothing else. */
async function codeOfLook(target: string): Promise<string | null> {
  try {
    await (await opendir(target)).close();
    await lstat(target);
    return null;
  } catch (error) {
    if (isMissing(error)) return null;
    return errorCode(error);
  }
}

/** Unmounts whatever is there, and removes the bare folder. Nothing there: no error. */
export async function unmountVolume(target: string, signal: AbortSignal): Promise<void> {
  while ((await mountAt(target)) !== null) await runTool('umount', ['--', target], signal);
  await removeBareFolder(target);
}

/** Removes the folder of a volume that is not mounted. None there: no error. @throws TerminalError when it is none of ours */
export async function removeBareFolder(target: string): Promise<void> {
  try {
    await rmdir(target);
  } catch (error) {
    if (isMissing(error)) return;
    if (['ENOTEMPTY', 'ENOTDIR'].includes(errorCode(error)))
      throw new TerminalError(`${target} is no bare mount point: somebody has put something there.`, { cause: error });
    throw error;
  }
}

/** Blanks and backslashes stand as `\ooo` there. */
function plain(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
