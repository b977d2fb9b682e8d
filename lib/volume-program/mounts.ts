import { chmod, lstat, mkdir, readFile, rmdir } from 'node:fs/promises';
import { isMissing } from '../drivers/durable-file';
import { errorCode } from '../error-code';
import { TerminalError } from '../ports/driver';
import { runTool } from './tools';

/** One line of `/proc/self/mountinfo` (proc(5)). */
export interface Mount {
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
      const [, , , , target = '', options = ''] = own.split(' ');
      const [type = '', source = '', ofFileSystem = ''] = fileSystem.split(' ');
      return {
        target: plain(target),
        type,
        source: plain(source),
        options: new Set([...options.split(','), ...ofFileSystem.split(',')]),
      };
    });
}

/** Where anything is mounted. */
export async function mountedPlaces(): Promise<ReadonlySet<string>> {
  return new Set(parseMounts(await readFile('/proc/self/mountinfo', 'utf8')).map(({ target }) => target));
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

/** Mounts a volume at a bare folder that nobody can write into, which it makes where it is missing. */
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
  await runTool('mount', ['-t', type, '-o', `${SAFE},${options}`, '--', source, target], signal);
}

/** Unmounts whatever is there, and removes the bare folder. Nothing there: no error. */
export async function unmountVolume(target: string, signal: AbortSignal): Promise<void> {
  while ((await mountAt(target)) !== null) await runTool('umount', ['--', target], signal);
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
