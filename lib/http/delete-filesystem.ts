import { isFilesystemName } from '../domain/name';
import { authorize, requireOwnersUrl } from '../domain/permission';
import type { Answer, Handler } from './call';
import { requireMatch } from './preconditions';
import { waitSeconds, waitUntil } from './prefer';
import { checkNoQuery } from './validation';

/**
 * `DELETE /os-filesystem/{name}`: 202 at once, the reconciler does the rest (docs/api.md, "DELETE").
 * @throws NotFound, Forbidden, PreconditionFailed, Conflict
 */
export const deleteFilesystem: Handler = async (services, call) => {
  checkNoQuery(call.query);
  const { filesystems, policy, nudge } = services;
  const { caller, name } = call;
  const id = await filesystems.transaction(call.requestId, async (tx) => {
    const filesystem = authorize(policy, caller, 'delete', isFilesystemName(name) ? await tx.lock(name) : null);
    requireMatch(call, filesystem, true);
    requireOwnersUrl(caller, filesystem);
    // A repeated DELETE is no new work: another revision would cut short the back-off of a removal that is failing.
    if (!filesystem.deletionWanted) await tx.markDeleting(filesystem.id);
    else if (filesystem.status === 'error') await tx.retry(filesystem.id);
    return filesystem.id;
  });
  nudge(); // after the commit: before it, the reconciler would look and find nothing to do
  const isGone = async (): Promise<boolean | null> => {
    const view = await filesystems.find(name, caller);
    if (view?.filesystem.id !== id) return true;
    return view.filesystem.status === 'error' ? false : null;
  };
  return removed(waitSeconds(call.headers.prefer), (seconds) => waitUntil(services, id, seconds, call, isGone));
};

/** The answer of a deletion: 204 when it was waited for and is done, else 202. */
export async function removed(
  seconds: number | null,
  wait: (seconds: number) => Promise<boolean | null>,
): Promise<Answer> {
  if (seconds === null) return { status: 202 };
  const isDone = await wait(seconds);
  return { status: isDone ? 204 : 202, headers: { 'Preference-Applied': `wait=${seconds}` } };
}
