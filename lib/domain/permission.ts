import { Conflict, Forbidden, NotFound } from './errors';
import type { Filesystem, Scope } from './filesystem';
import type { Identity } from './identity';

/** What may be permitted or not (docs/api.md, "Who may do what"). */
export type Permission =
  | 'extensions:list'
  | 'list'
  | 'show'
  | 'create'
  | 'update'
  | 'delete'
  | 'instances:list'
  | 'access_log'
  | 'instances:connect'
  | 'instances:disconnect'
  | 'manage_global'
  | 'any_project'
  | 'list:all_tenants'
  | 'deleted:list'
  | 'deleted:restore'
  | 'deleted:purge'
  | 'events:report';

/** Which roles count as what, and who may report events: configuration. */
export interface Policy {
  /** Roles that make a caller a member: he may create and manage. A role that is none of these may only read. */
  readonly memberRoles: readonly string[];
  /** User and project ids that may POST `_events` beside administrators. */
  readonly eventReporters: readonly string[];
}

/** The caller, and the tenant in whose URL he acts. They differ for an administrator alone. */
export interface Caller extends Identity {
  readonly tenantId: string;
}

/** To whoever sees the filesystem. */
type Reading = 'show' | 'instances:list' | 'access_log';
type Managed = 'update' | 'delete' | 'instances:connect' | 'instances:disconnect';

const forbidden = (permission: Permission, object = '') =>
  new Forbidden(`Policy doesn't allow ${permission} to be performed${object}.`);

/** Whether the caller can see a filesystem: his project's own, those granted to it, the global ones. */
export function isVisible(
  caller: Identity,
  { scope, owner, project }: Pick<Filesystem, 'scope' | 'owner' | 'project'>,
): boolean {
  return caller.isAdmin || scope === 'global' || owner === caller.projectId || project === caller.projectId;
}

/**
 * The one place that decides between 404 and 403: what the caller cannot see does not exist for him.
 *
 * @param filesystem null when there is none
 * @returns the filesystem, now known to be there
 * @throws NotFound when the caller cannot see it, Forbidden when he sees it and may not
 */
export function authorize<Row extends Pick<Filesystem, 'scope' | 'owner' | 'project' | 'name'>>(
  policy: Policy,
  caller: Identity,
  permission: Reading | Managed,
  filesystem: Row | null,
): Row {
  if (!filesystem || !isVisible(caller, filesystem)) throw new NotFound('Filesystem could not be found.');
  if (caller.isAdmin || isReading(permission)) return filesystem;
  const object = ` on filesystem ${filesystem.name}`;
  if (filesystem.owner !== caller.projectId || !isMember(policy, caller)) throw forbidden(permission, object);
  if (filesystem.scope === 'global' && (permission === 'update' || permission === 'delete'))
    throw forbidden('manage_global', object);
  return filesystem;
}

/**
 * Whether the caller may create a filesystem with these attributes, or change one to them.
 * @param project the project that is to get access; undefined where the request does not name another than the present one
 * @throws Forbidden
 */
export function authorizeAttributes(
  policy: Policy,
  caller: Caller,
  permission: 'create' | 'update',
  { scope, project, present }: { scope: Scope; project: string | null; present: Pick<Filesystem, 'project'> | null },
): void {
  if (caller.isAdmin) return;
  if (!isMember(policy, caller)) throw forbidden(permission);
  if (scope === 'global') throw forbidden('manage_global');
  if (project !== null && project !== caller.projectId && project !== present?.project) throw forbidden('any_project');
}

/**
 * An administrator changes through the owner's URL: so that whose filesystem it is stands in every request and log line.
 * @throws Conflict naming the owner
 */
export function requireOwnersUrl({ tenantId }: Caller, { name, owner }: Pick<Filesystem, 'name' | 'owner'>): void {
  if (tenantId !== owner)
    throw new Conflict(`Filesystem ${name} belongs to project ${owner}: use its URL, /v1.1/${owner}/….`);
}

/** @throws Forbidden unless the caller is an administrator */
export function requireAdministrator({ isAdmin }: Identity, permission: Permission): void {
  if (!isAdmin) throw forbidden(permission);
}

/**
 * As `authorize`, of what is deleted: it is its owner's, whatever its scope was, and an administrator's.
 * @throws NotFound when the caller cannot see it, Forbidden when he sees it and is no administrator
 */
export function authorizeDeleted<Row extends Pick<Filesystem, 'owner' | 'name'>>(
  { isAdmin, projectId }: Identity,
  permission: 'deleted:restore' | 'deleted:purge',
  filesystem: Row | null,
): Row {
  if (!filesystem || (!isAdmin && filesystem.owner !== projectId))
    throw new NotFound('Deleted filesystem could not be found.');
  if (!isAdmin) throw forbidden(permission, ` on filesystem ${filesystem.name}`);
  return filesystem;
}

/** @throws Forbidden unless the caller may see what is deleted of his project: a member, or an administrator */
export function requireDeletedReader(policy: Policy, caller: Identity): void {
  if (!caller.isAdmin && !isMember(policy, caller)) throw forbidden('deleted:list');
}

/** @throws Forbidden unless the caller may POST `_events`: the role `service` gives nothing by itself */
export function requireEventReporter({ eventReporters }: Policy, { isAdmin, userId, projectId }: Identity): void {
  if (isAdmin || eventReporters.includes(projectId) || (userId !== null && eventReporters.includes(userId))) return;
  throw forbidden('events:report');
}

/** Whether the caller may see what belongs to an instance of this project. Null (not known): an administrator alone. */
export function seesInstancesOf({ isAdmin, projectId }: Identity, project: string | null): boolean {
  return isAdmin || project === projectId;
}

/**
 * Whether the caller may see what caused a row of the access log of his project: a request, the settings, a drift, what was said of the
 * row's own instance. Whatever else it is could name another project's instance.
 */
export function seesCause({ isAdmin }: Identity, cause: string, instanceId: string | null): boolean {
  return (
    isAdmin ||
    cause === 'settings' ||
    cause === 'drift' ||
    /^req-[0-9a-f-]{36}$/.test(cause) ||
    cause.endsWith(` ${instanceId}`)
  );
}

function isReading(permission: Reading | Managed): permission is Reading {
  return permission === 'show' || permission === 'instances:list' || permission === 'access_log';
}

function isMember({ memberRoles }: Policy, { roles }: Identity): boolean {
  return roles.some((role) => memberRoles.includes(role));
}
