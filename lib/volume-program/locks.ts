import { mkdir } from 'node:fs/promises';
import * as path from 'node:path';
import { withLockFile } from '../drivers/lock-file';
import { thisProcess } from '../process-identity';
import { requireRootsFolder } from './ownership';

/** One process a volume, also when the caller of the one before has gone away. */
const LOCKS = '/run/nova-shared-filesystem';

/** Runs `work` while no other of these programs works under this name: a volume's id, or what all volumes share. */
export async function withLock<Result>(
  name: string,
  signal: AbortSignal,
  work: () => Promise<Result>,
): Promise<Result> {
  await mkdir(LOCKS, { mode: 0o755 }).catch(() => undefined);
  await requireRootsFolder(LOCKS);
  return withLockFile(path.join(LOCKS, name), thisProcess(), signal, work);
}
