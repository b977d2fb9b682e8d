import { type DeletedFilesystem, deletedStatus } from '../domain/deleted-filesystem';
import type { Explanation } from '../domain/explanation';
import type { Filesystem } from '../domain/filesystem';
import { type Caller, seesCause, seesInstancesOf } from '../domain/permission';
import type { AccessLogEntry } from '../ports/access-log-store';
import type { FilesystemRow, FilesystemView, InstanceEntry } from '../ports/filesystem-store';

/** The entry of the specification. */
export function shortEntry({ name, size, scope, project }: Filesystem): object {
  return { name, size: size.text, scope, ...(project === null ? {} : { project }) };
}

/** Every attribute (docs/api.md). */
export function fullEntry({ filesystem, access }: FilesystemView, caller: Caller): object {
  const { entitled, applied, state, message } = access;
  return everyAttribute(filesystem, { entitled, applied, state, ...(message === null ? {} : { message }) }, caller);
}

/** Every attribute of a row of a list: of `access` the state alone. */
export function detailEntry({ filesystem, accessState }: FilesystemRow, caller: Caller): object {
  return everyAttribute(filesystem, { state: accessState }, caller);
}

function everyAttribute(filesystem: Filesystem, access: object, { isAdmin }: Caller): object {
  const { id, owner, status, fault, exportLocation, protocol, usedBytes, created, updated, backend } = filesystem;
  return {
    ...shortEntry(filesystem),
    id,
    owner,
    status,
    fault: fault && { message: fault.message, created: time(fault.created) },
    export_location: exportLocation,
    protocol,
    // exact below 8 PiB
    used: usedBytes === null ? null : Number(usedBytes),
    access,
    created: time(created),
    updated: time(updated),
    ...(isAdmin ? { backend } : {}),
  };
}

/** An entry of what is deleted (docs/api.md, "Deleted filesystems"). */
export function deletedEntry(deleted: DeletedFilesystem, { isAdmin }: Caller): object {
  const { filesystem, retired, purgeAfter, isPurging } = deleted;
  const { id, owner, fault, usedBytes, created, backend } = filesystem;
  return {
    ...shortEntry(filesystem),
    id,
    owner,
    status: deletedStatus(deleted),
    fault: fault && { message: fault.message, created: time(fault.created) },
    used: usedBytes === null ? null : Number(usedBytes),
    created: time(created),
    deleted: time(retired),
    purge: isPurging || purgeAfter === null ? null : time(purgeAfter),
    ...(isAdmin ? { backend } : {}),
  };
}

/** An instance's entry: of a foreign one the caller sees that it is there, not its addresses (docs/api.md, "Privacy"). */
export function instanceEntry(
  { id, project, status, addresses, automatic, fault }: InstanceEntry,
  caller: Caller,
): object {
  const isSeen = seesInstancesOf(caller, project);
  return {
    id,
    status,
    addresses: isSeen ? addresses : [],
    automatic,
    fault: isSeen && fault ? { message: fault.message, created: time(fault.created) } : null,
  };
}

/** A row of the access log, its time in milliseconds: an audit compares it with other logs (docs/api.md, "Access log"). */
export function accessLogEntry(
  { time: moment, address, instanceId, granted, cause, revision }: AccessLogEntry,
  caller: Caller,
): object {
  return {
    time: moment.toISOString(),
    address,
    instance: instanceId,
    granted,
    cause: cause !== null && seesCause(caller, cause, instanceId) ? cause : null,
    revision: Number(revision),
  };
}

/** An explanation: what a fact does not have is left out of it. */
export function explanationView({ letIn, facts }: Explanation): object {
  return {
    let_in: letIn,
    facts: facts.map(({ fact, address, since, time: at, desired, applied, lastError, ...rest }) => ({
      fact,
      address,
      ...rest,
      since: since && time(since),
      time: at && time(at),
      // exact below 2^53
      desired: desired === undefined ? undefined : Number(desired),
      applied: applied === undefined ? undefined : Number(applied),
      last_error: lastError,
    })),
  };
}

/** `YYYY-MM-DDTHH:MM:SSZ`. */
function time(date: Date): string {
  return date.toISOString().replace(/\.\d{3}Z$/, 'Z');
}
