import { Conflict, TemporaryConflict } from '../domain/errors';
import type { Filesystem } from '../domain/filesystem';
import { isFilesystemName, isInstanceId } from '../domain/name';
import { authorize, type Caller, requireOwnersUrl, seesInstancesOf } from '../domain/permission';
import type { FilesystemTransaction } from '../ports/filesystem-store';
import type { Answer, Call, Handler } from './call';
import { waitSeconds, waitUntil } from './prefer';
import type { HttpServices } from './services';
import { findVisible } from './show-filesystem';
import { noInstance } from './show-instances';
import { checkConnectInstance, checkNoQuery } from './validation';
import { instanceEntry } from './views';

/**
 * `PUT /os-filesystem/{name}/instances/{id}`: an explicit connection, for scope `instance` (docs/api.md, "Instances").
 * @throws InvalidInput, NotFound, Forbidden, Conflict
 */
export const connectInstance: Handler = async (services, call) => {
  checkNoQuery(call.query);
  if (call.body !== undefined) checkConnectInstance(call.body);
  if (!isFilesystemName(call.name)) await findVisible(services, call);
  const attempt = () => services.filesystems.transaction(call.requestId, (tx) => connect(services, call, tx));
  let outcome = await attempt();
  if (outcome.kind === 'unknown' && services.lookUpInstance) {
    await services.lookUpInstance(call.id, call.caller.projectId);
    outcome = await attempt();
  }
  if (outcome.kind === 'unknown') throw noInstance();
  if (outcome.kind === 'automatic') return automatic(services, call, outcome.filesystem);
  services.nudge(); // after the commit
  return answer(services, call, outcome.filesystem, outcome.kind === 'connected');
};

/** `unknown`: the directory knows nothing of the instance, nothing is done yet. */
type Outcome = {
  readonly kind: 'connected' | 'present' | 'automatic' | 'unknown';
  readonly filesystem: Filesystem;
};

async function connect(
  { policy }: HttpServices,
  { caller, name, id }: Call,
  tx: FilesystemTransaction,
): Promise<Outcome> {
  const filesystem = authorize(policy, caller, 'instances:connect', await tx.lock(name));
  if (filesystem.scope !== 'instance') return { kind: 'automatic', filesystem };
  if (!isInstanceId(id)) throw noInstance();
  const instance = await tx.instance(id);
  if (!instance?.state) return { kind: 'unknown', filesystem };
  if (instance.state !== 'live' || !mayConnect(caller, filesystem, instance.project)) throw noInstance();
  requireOwnersUrl(caller, filesystem);
  requireNoDeletion(filesystem);
  if (await tx.isConnected(filesystem.id, id)) return { kind: 'present', filesystem };
  await tx.connect(filesystem.id, id, caller);
  return { kind: 'connected', filesystem };
}

/** An instance of the owner's project; an administrator may connect any. */
function mayConnect(caller: Caller, { owner }: Filesystem, project: string | null): boolean {
  return caller.isAdmin || project === owner;
}

/** Whose access follows the scope is there already, or never is; a foreign instance looks as if there were none. */
async function automatic({ filesystems }: HttpServices, call: Call, filesystem: Filesystem): Promise<Answer> {
  const entry = isInstanceId(call.id) ? await filesystems.findInstance(filesystem, call.id, call.caller) : null;
  if (!entry || entry.status === 'disconnecting' || !seesInstancesOf(call.caller, entry.project))
    throw followsScope(filesystem);
  return { status: 200, body: { instance_entry: { id: entry.id } } };
}

/** What explicit connections are told of a filesystem whose list is computed. */
export function followsScope({ name, scope }: Filesystem): Conflict {
  return new Conflict(
    `Access to filesystem ${name} follows its scope, "${scope}": instances are not connected by hand.`,
  );
}

/** @throws TemporaryConflict */
export function requireNoDeletion({ name, deletionWanted }: Filesystem): void {
  if (deletionWanted) throw new TemporaryConflict(`Filesystem ${name} is being deleted.`);
}

async function answer(services: HttpServices, call: Call, filesystem: Filesystem, isNew: boolean): Promise<Answer> {
  const seconds = waitSeconds(call.headers.prefer);
  const status = isNew ? 201 : 200;
  const location = isNew ? { Location: call.self } : {};
  if (seconds === null) return { status, headers: location, body: { instance_entry: { id: call.id } } };
  const find = () => services.filesystems.findInstance(filesystem, call.id, call.caller);
  const reached = await waitUntil(services, filesystem.id, seconds, call, async () => {
    const entry = await find();
    return entry?.status === 'pending' ? null : entry;
  });
  const entry = reached ?? (await find());
  return {
    status,
    headers: { ...location, 'Preference-Applied': `wait=${seconds}` },
    body: { instance_entry: entry ? instanceEntry(entry, call.caller) : { id: call.id } },
  };
}
