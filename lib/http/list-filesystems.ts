import { requireAdministrator } from '../domain/permission';
import type { FilesystemRow } from '../ports/filesystem-store';
import type { Answer, Call, Handler } from './call';
import { pageBody, pageLimit } from './paging';
import { listEtag, unlessKnown } from './preconditions';
import { isTrue } from './query';
import type { HttpServices } from './services';
import { checkListFilesystemsQuery } from './validation';
import { detailEntry, shortEntry } from './views';

/** `GET /os-filesystem`: the short entries. @throws InvalidInput, Forbidden */
export const listFilesystems: Handler = (services, call) =>
  list(services, call, ({ filesystem }) => shortEntry(filesystem));

/** `GET /os-filesystem/detail`: every attribute. @throws InvalidInput, Forbidden */
export const listFilesystemsInDetail: Handler = (services, call) =>
  list(services, call, (row) => detailEntry(row, call.caller));

async function list(
  { filesystems, maxLimit }: HttpServices,
  call: Call,
  view: (row: FilesystemRow) => object,
): Promise<Answer> {
  const {
    scope,
    status,
    project,
    owner,
    marker,
    limit: asked,
    all_tenants: all,
  } = checkListFilesystemsQuery(call.query);
  const { caller } = call;
  const allTenants = isTrue(all);
  if (allTenants) requireAdministrator(caller, 'list:all_tenants');
  if (owner !== undefined) requireAdministrator(caller, 'list:all_tenants');
  const limit = pageLimit(asked, maxLimit);
  const tenantId = allTenants ? null : caller.tenantId;
  const rows = await filesystems.list({ tenantId, scope, status, project, owner, marker, limit: limit + 1 });
  const json = JSON.stringify(pageBody('fs_entries', rows, limit, ({ filesystem }) => filesystem.name, view, call));
  return unlessKnown(call, listEtag(json), json);
}
