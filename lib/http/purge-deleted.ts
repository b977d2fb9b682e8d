import type { Filesystem } from '../domain/filesystem';
import { isFilesystemId } from '../domain/name';
import { authorizeDeleted, requireOwnersUrl } from '../domain/permission';
import type { DeletedTransaction } from '../ports/deleted-store';
import type { Call, Handler } from './call';
import { removed } from './delete-filesystem';
import { waitSeconds, waitUntil } from './prefer';
import { checkNoQuery } from './validation';

/**
 * `DELETE /os-filesystem/_deleted/{id}`: destroys the data now, and not when its time has come. 202; the reconciler does it
 * (docs/api.md, "Deleted filesystems").
 * @throws InvalidInput, NotFound, Forbidden, Conflict
 */
export const purgeDeleted: Handler = async (services, call) => {
  checkNoQuery(call.query);
  const { deleted, nudge } = services;
  const { id } = await deleted.transaction(call.requestId, (tx) => purge(call, tx));
  nudge(); // after the commit
  const isGone = async (): Promise<boolean | null> => {
    const found = await deleted.find(id);
    if (!found) return true;
    return found.filesystem.status === 'error' ? false : null;
  };
  return removed(waitSeconds(call.headers.prefer), (seconds) => waitUntil(services, id, seconds, call, isGone));
};

async function purge({ caller, id }: Call, tx: DeletedTransaction): Promise<Filesystem> {
  const found = isFilesystemId(id) ? await tx.lock(id) : null;
  const filesystem = authorizeDeleted(caller, 'deleted:purge', found?.filesystem ?? null);
  requireOwnersUrl(caller, filesystem);
  // repeated, it is no new work: one that is failing keeps its pauses
  if (!found?.isPurging || filesystem.status === 'error') await tx.purge(filesystem.id);
  return filesystem;
}
