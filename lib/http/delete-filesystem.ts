import type { Filesystem } from '../domain/filesystem';
import { isFilesystemName } from '../domain/name';
import { authorize, requireOwnersUrl } from '../domain/permission';
import type { FilesystemTransaction } from '../ports/filesystem-store';
import type { Answer, Call, Handler } from './call';
import { dryRun, isDryRun } from './dry-run';
import { requireMatch } from './preconditions';
import { waitSeconds, waitUntil } from './prefer';
import type { HttpServices } from './services';

/**
 * `DELETE /os-filesystem/{name}`: 202 at once, the reconciler does the rest (docs/api.md, "DELETE").
 * @throws InvalidInput, NotFound, Forbidden, PreconditionFailed, Conflict
 */
export const deleteFilesystem: Handler = async (services, call) => {
  if (isDryRun(call)) return dryRun(services, call, (tx) => markDeleting(services, call, tx));
  const { filesystems, nudge } = services;
  const { caller, name } = call;
  const { id } = await filesystems.transaction(call.requestId, (tx) => markDeleting(services, call, tx));
  nudge(); // after the commit: before it, the reconciler would look and find nothing to do
  const isGone = async (): Promise<boolean | null> => {
    const view = await filesystems.find(name, caller);
    if (view?.filesystem.id !== id) return true;
    return view.filesystem.status === 'error' ? false : null;
  };
  return removed(waitSeconds(call.headers.prefer), (seconds) => waitUntil(services, id, seconds, call, isGone));
};

/** @returns the filesystem as it was */
async function markDeleting({ policy }: HttpServices, call: Call, tx: FilesystemTransaction): Promise<Filesystem> {
  const { caller, name } = call;
  const filesystem = authorize(policy, caller, 'delete', isFilesystemName(name) ? await tx.lock(name) : null);
  requireMatch(call, filesystem, true);
  requireOwnersUrl(caller, filesystem);
  // A repeated DELETE is no new work: another revision would cut short the back-off of a removal that is failing.
  if (!filesystem.deletionWanted) await tx.markDeleting(filesystem.id);
  else if (filesystem.status === 'error') await tx.retry(filesystem.id);
  return filesystem;
}

/** The answer of a deletion: 204 when it was waited for and is done, else 202. */
export async function removed(
  seconds: number | null,
  wait: (seconds: number) => Promise<boolean | null>,
): Promise<Answer> {
  if (seconds === null) return { status: 202 };
  const isDone = await wait(seconds);
  return { status: isDone ? 204 : 202, headers: { 'Preference-Applied': `wait=${seconds}` } };
}
