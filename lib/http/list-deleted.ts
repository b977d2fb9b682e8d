import type { DeletedFilesystem } from '../domain/deleted-filesystem';
import { requireAdministrator, requireDeletedReader } from '../domain/permission';
import type { DeletedPosition } from '../ports/deleted-store';
import type { Handler } from './call';
import { pageBody, pageLimit } from './paging';
import { listEtag, unlessKnown } from './preconditions';
import { isTrue } from './query';
import { checkListDeletedQuery } from './validation';
import { deletedEntry } from './views';

/**
 * `GET /os-filesystem/_deleted`: what is deleted and not destroyed yet, the first deleted first (docs/api.md, "Deleted
 * filesystems").
 * @throws InvalidInput, Forbidden
 */
export const listDeleted: Handler = async ({ deleted, policy, maxLimit }, call) => {
  const { limit: asked, marker, all_tenants: all } = checkListDeletedQuery(call.query);
  const { caller } = call;
  const allTenants = isTrue(all);
  requireDeletedReader(policy, caller);
  if (allTenants) requireAdministrator(caller, 'list:all_tenants');
  const limit = pageLimit(asked, maxLimit);
  const rows = await deleted.list({
    owner: allTenants ? null : caller.tenantId,
    marker: marker === undefined ? undefined : readMarker(marker),
    limit: limit + 1,
  });
  const view = (row: DeletedFilesystem): object => deletedEntry(row, caller);
  const json = JSON.stringify(pageBody('deleted_fs_entries', rows, limit, markerOf, view, call));
  return unlessKnown(call, listEtag(json), json);
};

/** `<milliseconds>-<id>`. */
function markerOf({ retired, filesystem }: DeletedFilesystem): string {
  return `${retired.getTime()}-${filesystem.id}`;
}

function readMarker(marker: string): DeletedPosition {
  const dash = marker.indexOf('-');
  return { retired: new Date(Number(marker.slice(0, dash))), id: marker.slice(dash + 1) };
}
