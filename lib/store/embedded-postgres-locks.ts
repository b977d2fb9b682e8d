import { readFile, rm, stat } from 'node:fs/promises';
import * as path from 'node:path';
import type { ServerFolder } from './embedded-postgres-folder';

const PID_FILE = 'postmaster.pid';
const SOCKET_LOCK = 'run/.s.PGSQL.5432.lock';

/**
 * Removes the lock files of a server that is gone, where Postgres would take it for running: its pid is another process's
 * by now, or nobody has reaped it (the first process of a container seldom does). Only where `/proc` tells.
 */
export async function removeStaleLocks({ dir, data }: ServerFolder): Promise<void> {
  if (process.platform !== 'linux') return;
  for (const file of [path.join(data, PID_FILE), path.join(dir, SOCKET_LOCK)]) {
    const before = await readFile(file, 'utf8').catch(() => '');
    const pid = Number(before.split('\n')[0]);
    if (!(pid > 0) || !(await isAnother(pid, data))) continue;
    // Should another process start the server just now, the shared memory block still keeps a second one out.
    if ((await readFile(file, 'utf8').catch(() => '')) === before) await rm(file, { force: true });
  }
}

/** Whether that process is not a server on these files: a server works in its data. False when there is none. */
async function isAnother(pid: number, data: string): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  if (/\) Z /.test(status)) return true;
  const [ours, theirs] = await Promise.all([stat(data), stat(`/proc/${pid}/cwd`).catch(() => null)]);
  return theirs !== null && (theirs.ino !== ours.ino || theirs.dev !== ours.dev);
}

/** The pid of the server on these files; null when there is none. */
export async function serverPid(data: string): Promise<number | null> {
  const text = await readFile(path.join(data, PID_FILE), 'utf8').catch(() => '');
  return Number(text.split('\n')[0]) || null;
}
