import { requireRestorable } from '../domain/deleted-filesystem';
import { Conflict } from '../domain/errors';
import type { Filesystem } from '../domain/filesystem';
import { isFilesystemId } from '../domain/name';
import { authorizeDeleted, requireOwnersUrl } from '../domain/permission';
import type { DeletedTransaction } from '../ports/deleted-store';
import type { Answer, Call, Handler } from './call';
import { requireName } from './filesystem-name';
import { etagOf } from './preconditions';
import { viewReached } from './reached';
import type { HttpServices } from './services';
import { checkNoQuery, checkRestoreFilesystem } from './validation';
import { fullEntry, shortEntry } from './views';

/**
 * `POST /os-filesystem/_deleted/{id}/restore`: in service again; the reconciler puts the data back (docs/api.md, "Deleted
 * filesystems").
 * @throws InvalidInput, NotFound, Forbidden, Conflict
 */
export const restoreDeleted: Handler = async (services, call) => {
  checkNoQuery(call.query);
  const name = readName(call.body);
  const restored = await services.deleted.transaction(call.requestId, (tx) => restore(call, tx, name));
  services.nudge(); // after the commit: before it, the reconciler would look and find nothing to do
  return answer(services, call, restored);
};

/** @returns undefined: as it was called */
function readName(body: unknown): string | undefined {
  const { name } = (body === undefined ? null : checkRestoreFilesystem(body)) ?? {};
  if (name !== undefined) requireName(name);
  return name;
}

async function restore(
  { caller, id }: Call,
  tx: DeletedTransaction,
  wantedName: string | undefined,
): Promise<Filesystem> {
  const found = isFilesystemId(id) ? await tx.lock(id) : null;
  const filesystem = authorizeDeleted(caller, 'deleted:restore', found?.filesystem ?? null);
  requireOwnersUrl(caller, filesystem);
  if (found) requireRestorable(found);
  const name = wantedName ?? filesystem.name;
  if (await tx.isTaken(name))
    throw new Conflict(`The name ${name} is taken: give it another one, {"name": "…"} in the body.`);
  return tx.restore(id, name);
}

/** 202 while the data is on its way, 200 when it was waited for and can be mounted. */
async function answer(services: HttpServices, call: Call, filesystem: Filesystem): Promise<Answer> {
  const { view, isReached, headers } = await viewReached(services, call, filesystem);
  return {
    status: isReached ? 200 : 202,
    headers: {
      Location: `${call.collection}/${filesystem.name}`,
      ...(view ? { ETag: etagOf(view.filesystem, JSON.stringify({ fs_entry: fullEntry(view, call.caller) })) } : {}),
      ...headers,
    },
    body: { fs_entry: view && 'Preference-Applied' in headers ? fullEntry(view, call.caller) : shortEntry(filesystem) },
  };
}
