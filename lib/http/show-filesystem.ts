import { NotFound } from '../domain/errors';
import { isFilesystemName } from '../domain/name';
import { authorize } from '../domain/permission';
import type { FilesystemView } from '../ports/filesystem-store';
import type { Call, Handler } from './call';
import { etagOf, unlessKnown } from './preconditions';
import type { HttpServices } from './services';
import { checkNoQuery } from './validation';
import { fullEntry } from './views';

/** `GET /os-filesystem/{name}`: every attribute. @throws NotFound */
export const showFilesystem: Handler = async (services, call) => {
  checkNoQuery(call.query);
  const view = await findVisible(services, call);
  const json = JSON.stringify({ fs_entry: fullEntry(view, call.caller) });
  return unlessKnown(call, etagOf(view.filesystem, json), json);
};

/** The filesystem that the path names, if the caller can see it. @throws NotFound */
export async function findVisible(
  { filesystems, policy }: HttpServices,
  { caller, name }: Pick<Call, 'caller' | 'name'>,
  permission: 'show' | 'access_log' = 'show',
): Promise<FilesystemView> {
  const view = isFilesystemName(name) ? await filesystems.find(name, caller) : null;
  authorize(policy, caller, permission, view?.filesystem ?? null);
  if (!view) throw new NotFound('Filesystem could not be found.');
  return view;
}
