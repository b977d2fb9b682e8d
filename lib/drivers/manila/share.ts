import { parseRevision } from '../../domain/revision';
import { fieldOf, isJsonObject, type JsonObject } from '../../json';
import { unreadable } from './manila-api';

/** Names of what we write down on our shares. */
export const METADATA = {
  /** The filesystem's id, by which a share is found: never by its name. */
  id: 'nova_shared_filesystem_id',
  /** The backend's name: one project can hold several. */
  backend: 'nova_shared_filesystem_backend',
  /** `creating`: it has never held anything. `in-service`, `retired`. */
  state: 'nova_shared_filesystem_state',
  /** Of the access list. */
  revision: 'nova_shared_filesystem_revision',
  /** Whose it is, in JSON. */
  record: 'nova_shared_filesystem_record',
} as const;

/** Whether a share of ours was ever served, and still is. */
export type ServiceState = 'creating' | 'in-service' | 'retired';

/** A share, as Manila tells of it. */
export interface Share {
  readonly id: string;
  readonly projectId: string;
  readonly sizeGigabytes: number;
  /** Manila's: `available`, `creating`, `error`, … */
  readonly status: string;
  readonly createdAt: string;
  readonly metadata: ReadonlyMap<string, string>;
}

/** What a share of ours says of its service. One that says nothing was never made ready. */
export function serviceState({ metadata }: Share): ServiceState {
  const state = metadata.get(METADATA.state);
  return state === 'in-service' || state === 'retired' ? state : 'creating';
}

/** The revision of its access list; 0 where there is none, or what stands there is no number that we ever wrote. */
export function revisionOf({ metadata }: Share): bigint {
  const text = metadata.get(METADATA.revision) ?? '';
  return parseRevision(text) ?? 0n;
}

/** Whether Manila is at work on it: nothing else can be asked for. */
export function isUnderWay({ status }: Share): boolean {
  return UNDER_WAY.has(status);
}

/** @throws Error when it is no share */
export function readShare(value: unknown): Share {
  const object = isJsonObject(value) ? value : {};
  const size = fieldOf(object, 'size');
  const metadata = fieldOf(object, 'metadata') ?? {};
  // for a moment at its end a share has no status at all
  const status = fieldOf(object, 'status') === null ? 'deleting' : textIn(object, 'status');
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || !isJsonObject(metadata)) throw unreadable();
  return {
    id: idIn(object),
    projectId: textIn(object, 'project_id'),
    sizeGigabytes: size,
    status,
    createdAt: textIn(object, 'created_at'),
    metadata: new Map(Object.entries(metadata).map(([key, each]) => [key, String(each)])),
  };
}

/** An id of Manila's, which becomes part of a path. @throws Error when it is none */
export function idIn(object: JsonObject): string {
  const id = textIn(object, 'id');
  if (!/^[0-9A-Za-z-]{1,64}$/.test(id)) throw unreadable();
  return id;
}

/** @throws Error when there is no such text */
export function textIn(object: JsonObject, name: string): string {
  const value = fieldOf(object, name);
  if (typeof value !== 'string') throw unreadable();
  return value;
}

/** The list under that name. @throws Error when there is none */
export function listIn(body: unknown, name: string): readonly unknown[] {
  const list = isJsonObject(body) ? fieldOf(body, name) : undefined;
  if (!Array.isArray(list)) throw unreadable();
  return list;
}

const UNDER_WAY: ReadonlySet<string> = new Set([
  'creating',
  'creating_from_snapshot',
  'deleting',
  'extending',
  'shrinking',
  'ensuring',
  'manage_starting',
  'unmanage_starting',
  'migrating',
  'migrating_to',
  'replication_change',
  'restoring',
  'reverting',
  'server_migrating',
  'server_migrating_to',
  'backup_creating',
  'backup_restoring',
]);
