import { createHash } from 'node:crypto';
import { PreconditionFailed } from '../domain/errors';
import type { Filesystem } from '../domain/filesystem';
import type { Answer, Call } from './call';

function hash(text: string, length = 16): string {
  return createHash('sha1').update(text).digest('base64url').slice(0, length);
}

/** Tells a filesystem from another that has had its name: revisions of both begin at 1. */
function markOf({ id }: Pick<Filesystem, 'id'>): string {
  return hash(id, 8);
}

/**
 * `"<revision of the attributes that a user sets>-<mark of the filesystem><hash of what GET answers>"` (docs/api.md,
 * "Preconditions").
 * @param json what GET answers
 */
export function etagOf(filesystem: Pick<Filesystem, 'id' | 'attributesRevision'>, json: string): string {
  return `"${filesystem.attributesRevision}-${markOf(filesystem)}${hash(json)}"`;
}

/** Of a list: the hash alone. */
export function listEtag(json: string): string {
  return `"${hash(json)}"`;
}

/** The answer of a GET: 304 when the caller has it already. `*` in `If-None-Match` of a GET says nothing here. */
export function unlessKnown({ headers }: Pick<Call, 'headers'>, etag: string, json: string): Answer {
  const isKnown = tags(headers.ifNoneMatch).includes(etag);
  return isKnown ? { status: 304, headers: { ETag: etag } } : { status: 200, body: json, headers: { ETag: etag } };
}

/**
 * Holds a change against what the caller last saw: `If-Match` compares the revision and whose it is, since a change of status
 * or use is nobody's lost update; `If-None-Match: *` creates only.
 * @param existing null: there is none, or none that the caller can see
 * @param isTaken whether the name is somebody's, seen or not
 * @throws PreconditionFailed
 */
export function requireMatch(
  { headers: { ifMatch, ifNoneMatch } }: Pick<Call, 'headers'>,
  existing: Pick<Filesystem, 'id' | 'attributesRevision' | 'name'> | null,
  isTaken: boolean,
): void {
  if (ifNoneMatch?.trim() === '*' && isTaken) throw new PreconditionFailed('The name is taken (If-None-Match: *).');
  if (ifMatch === undefined) return;
  if (!existing) throw new PreconditionFailed('There is no such filesystem (If-Match).');
  // a strong tag: a weak one never matches (RFC 9110 §13.1.1)
  const now = `"${existing.attributesRevision}-${markOf(existing)}`;
  const matches = tags(ifMatch).some((tag) => tag === '*' || tag.startsWith(now));
  if (!matches)
    throw new PreconditionFailed(
      `Filesystem ${existing.name} was changed in the meantime (If-Match): read it again, and decide anew.`,
    );
}

function tags(header: string | undefined): string[] {
  return (header ?? '').split(',').map((tag) => tag.trim());
}
