import { isFilesystemName, isInstanceId } from '../domain/name';
import { authorize, requireOwnersUrl, seesInstancesOf } from '../domain/permission';
import type { Handler } from './call';
import { followsScope } from './connect-instance';
import { removed } from './delete-filesystem';
import { waitSeconds, waitUntil } from './prefer';
import { findVisible } from './show-filesystem';
import { noInstance } from './show-instances';
import { checkNoQuery } from './validation';

/**
 * `DELETE /os-filesystem/{name}/instances/{id}`: 202, also while it is disconnecting.
 * @throws NotFound, Forbidden, Conflict
 */
export const disconnectInstance: Handler = async (services, call) => {
  checkNoQuery(call.query);
  const { filesystems, policy, nudge } = services;
  const { caller, name, id } = call;
  if (!isFilesystemName(name)) await findVisible(services, call);
  const { filesystem, isEnded } = await filesystems.transaction(call.requestId, async (tx) => {
    const locked = authorize(policy, caller, 'instances:disconnect', await tx.lock(name));
    if (locked.scope !== 'instance' || !isInstanceId(id) || !(await tx.isConnected(locked.id, id)))
      return { filesystem: locked, isEnded: false };
    requireOwnersUrl(caller, locked);
    await tx.disconnect(locked.id, id);
    return { filesystem: locked, isEnded: true };
  });
  const find = async () => (isInstanceId(id) ? filesystems.findInstance(filesystem, id, caller) : null);
  if (isEnded)
    nudge(); // after the commit
  else {
    const entry = await find();
    if (!entry) throw noInstance();
    if (filesystem.scope !== 'instance' && entry.status !== 'disconnecting') {
      if (!seesInstancesOf(caller, entry.project)) throw noInstance();
      throw followsScope(filesystem);
    }
  }
  return removed(waitSeconds(call.headers.prefer), (seconds) =>
    waitUntil(services, filesystem.id, seconds, call, async () => ((await find()) ? null : true)),
  );
};
