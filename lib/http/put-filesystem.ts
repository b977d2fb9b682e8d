import { Conflict, InvalidInput, TemporaryConflict } from '../domain/errors';
import type { Filesystem } from '../domain/filesystem';
import { isProjectId } from '../domain/name';
import { authorize, authorizeAttributes, isVisible, requireOwnersUrl } from '../domain/permission';
import type { PlacementRule } from '../domain/placement';
import { type Plan, planPut, requireProjectWithScope, type WantedFilesystem } from '../domain/put-filesystem';
import { parseSize } from '../domain/size';
import type { FilesystemTransaction } from '../ports/filesystem-store';
import type { Answer, Call, Handler } from './call';
import { dryRun, isDryRun } from './dry-run';
import { requireName } from './filesystem-name';
import { backendFor, requirePlace } from './placement';
import { etagOf, requireMatch } from './preconditions';
import { waitUntil } from './prefer';
import { viewReached } from './reached';
import type { HttpServices } from './services';
import { checkPutFilesystem } from './validation';
import { fullEntry, shortEntry } from './views';

/** How long the process that serves the backend has to count what a volume holds, before its size is made smaller. */
const COUNT_SECONDS = 2;

/**
 * `PUT /os-filesystem/{name}`: creates it, or makes it so (docs/api.md, "PUT is declarative").
 * @throws InvalidInput, Forbidden, PreconditionFailed, Conflict
 */
export const putFilesystem: Handler = async (services, call) => {
  const isDry = isDryRun(call);
  const wanted = readWanted(call);
  // no count is asked for: that would be a change
  if (isDry) return dryRun(services, call, async (tx) => (await put(services, call, tx, wanted, true)).filesystem);
  const attempt = (isCounted: boolean) =>
    services.filesystems.transaction(call.requestId, (tx) => put(services, call, tx, wanted, isCounted));
  let outcome = await attempt(false);
  if (outcome.kind === 'shrinks') {
    await countUse(services, call, outcome.filesystem);
    outcome = await attempt(true);
  }
  services.nudge(); // after the commit: before it, the reconciler would look and find nothing to do
  return answer(services, call, outcome.filesystem, outcome.kind === 'created');
};

/** `shrinks`: nothing is done yet, what it holds is to be counted first. */
interface Outcome {
  readonly kind: 'created' | 'present' | 'shrinks';
  readonly filesystem: Filesystem;
}

function readWanted({ name, body }: Call): WantedFilesystem {
  requireName(name);
  if (body === undefined) throw new InvalidInput('The body is missing: send {"fs_entry": {"size": …, "scope": …}}.');
  const { fs_entry: entry } = checkPutFilesystem(body);
  if (entry.name !== undefined && entry.name !== name)
    throw new InvalidInput(`\`fs_entry.name\` is not the name in the URL, ${JSON.stringify(name)}.`);
  if (entry.project !== undefined && !isProjectId(entry.project))
    throw new InvalidInput('`fs_entry.project` must be a project\'s id: printable ASCII characters without "/".');
  const wanted = { size: parseSize(entry.size), scope: entry.scope, project: entry.project };
  requireProjectWithScope(wanted);
  return wanted;
}

async function put(
  { policy, placement }: HttpServices,
  call: Call,
  tx: FilesystemTransaction,
  wanted: WantedFilesystem,
  isCounted: boolean,
): Promise<Outcome> {
  const { caller, name } = call;
  const found = await tx.lock(name);
  const existing = found && isVisible(caller, found) ? found : null;
  const attributes = { scope: wanted.scope, project: wanted.project ?? null, present: existing };
  if (existing) authorize(policy, caller, 'update', existing);
  authorizeAttributes(policy, caller, existing ? 'update' : 'create', attributes);
  requireMatch(call, existing, found !== null);
  if (found && !existing) throw new Conflict(`The name ${name} is taken: choose another.`);
  if (existing) requireOwnersUrl(caller, existing);
  if (existing?.deletionWanted)
    throw new TemporaryConflict(`Filesystem ${name} is being deleted: the name is free when that is done.`);

  if (existing?.appliedSize && !isCounted && wanted.size.bytes < existing.size.bytes)
    return { kind: 'shrinks', filesystem: existing };
  return carryOut(placement, tx, call, existing, planPut(existing, wanted, caller.tenantId));
}

async function carryOut(
  placement: readonly PlacementRule[],
  tx: FilesystemTransaction,
  { caller, name }: Call,
  existing: Filesystem | null,
  plan: Plan,
): Promise<Outcome> {
  if (plan.kind === 'create') {
    const { attributes } = plan;
    const owner = caller.tenantId;
    const backend = await backendFor(placement, tx, { scope: attributes.scope, owner });
    return { kind: 'created', filesystem: await tx.create({ name, owner, attributes, backend }) };
  }
  if (!existing) throw new Error('a plan for a filesystem that is not there');
  if (plan.kind === 'change') {
    const { scope } = plan.attributes;
    await requirePlace(placement, tx, existing, { scope, owner: existing.owner });
    return { kind: 'present', filesystem: await tx.change(existing.id, plan) };
  }
  if (plan.kind === 'retry') await tx.retry(existing.id);
  return { kind: 'present', filesystem: existing };
}

/** Asks for a fresh count of what the volume holds, so that a size below it is refused here and not later. */
async function countUse(services: HttpServices, call: Call, { id }: Filesystem): Promise<void> {
  const { filesystems } = services;
  const asked = await filesystems.requestUsage(id);
  await waitUntil(services, id, COUNT_SECONDS, call, async () => {
    const counted = await filesystems.usageTime(id);
    return counted !== null && counted >= asked ? true : null;
  });
}

async function answer(services: HttpServices, call: Call, filesystem: Filesystem, isNew: boolean): Promise<Answer> {
  const { caller, name } = call;
  const { view, headers: applied } = await viewReached(services, call, filesystem);
  const headers = {
    ...(isNew ? { Location: `${call.collection}/${name}` } : {}),
    ...(view ? { ETag: etagOf(view.filesystem, JSON.stringify({ fs_entry: fullEntry(view, caller) })) } : {}),
    ...applied,
  };
  const entry = view && 'Preference-Applied' in applied ? fullEntry(view, caller) : shortEntry(filesystem);
  return { status: isNew ? 201 : 200, headers, body: { fs_entry: entry } };
}
