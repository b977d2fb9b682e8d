import { isUuid } from './uuid';

/** 1 to 63 of `A-Z a-z 0-9 . _ -`, the first a letter or digit (docs/api.md, "Name"). Postgres checks the same. */
const FILESYSTEM_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** 1 to 64 of `A-Z a-z 0-9 . _ -` (docs/api.md, "Instances"). */
const INSTANCE_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** Names that a path of the API takes. */
const RESERVED = new Set(['detail']);

/** Whether a filesystem can have this name. */
export function isFilesystemName(name: string): boolean {
  return FILESYSTEM_NAME.test(name) && !RESERVED.has(name);
}

/** Whether a filesystem can have this id: ours are UUIDs, written small. */
export function isFilesystemId(id: string): boolean {
  return isUuid(id);
}

/** Words that are no ids in a URL: Compute has another meaning for them. */
const NO_INSTANCE = new Set(['.', '..', 'detail']);

/** Whether an instance can have this id. Nova's are UUIDs, other hosts' need not be. */
export function isInstanceId(id: string): boolean {
  return INSTANCE_ID.test(id) && !NO_INSTANCE.has(id);
}

/** Whether a project can have this id: what Compute puts into a URL, of 1 to 255 printable ASCII characters without `/`. */
export function isProjectId(id: string): boolean {
  return /^[!-.0-~]{1,255}$/.test(id);
}
