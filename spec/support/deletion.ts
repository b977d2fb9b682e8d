import type { Filesystem } from '../../lib/domain/filesystem';
import type { Claim } from '../../lib/ports/work-store';
import { settleAll } from './settle';
import { BACKEND, type Stores } from './stores';

/** Deletes it as DELETE does. */
export async function remove(
  { filesystems }: Pick<Stores, 'filesystems'>,
  { id, name }: Pick<Filesystem, 'id' | 'name'>,
): Promise<void> {
  await filesystems.transaction('spec', async (tx) => {
    await tx.lock(name);
    await tx.markDeleting(id);
  });
}

/** Deletes it, and lets a reconciler whose driver does everything at once retire it, and all that is due beside it. */
export async function retire(
  stores: Pick<Stores, 'filesystems' | 'work'>,
  filesystem: Pick<Filesystem, 'id' | 'name'>,
): Promise<void> {
  await remove(stores, filesystem);
  await settleAll(stores);
}

/** Restores it as POST does, if there is nothing against it. @returns whether */
export async function restore(
  { deleted }: Pick<Stores, 'deleted'>,
  id: string,
  name?: string,
): Promise<Filesystem | null> {
  return deleted.transaction('spec', async (tx) => {
    const found = await tx.lock(id);
    if (!found || found.isPurging || found.isLeased) return null;
    const wanted = name ?? found.filesystem.name;
    return (await tx.isTaken(wanted)) ? null : tx.restore(id, wanted);
  });
}

/** The purges that are due. */
export async function claimPurges({ work }: Pick<Stores, 'work'>): Promise<readonly Claim[]> {
  return work.claim(BACKEND, { short: 0, long: 0, purge: 10 });
}
