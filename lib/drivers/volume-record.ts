import { parseRevision } from '../domain/revision';
import type { Volume, VolumeRecord } from '../ports/driver';
import { readIfThere, replaceFile } from './durable-file';

/** Writes down beside a volume whose it is; a record that says so already is left as it is. */
export async function writeRecord(file: string, volume: Volume): Promise<void> {
  const text = recordChange(await readIfThere(file), volume);
  if (text !== null) await replaceFile(file, `${text}\n`, 0o600);
}

/**
 * The record of a volume as text.
 * @param before the text that stands there, whoever has written it
 * @returns null when that says so already
 */
export function recordChange(before: string | null, volume: Volume): string | null {
  const { id, name, owner, scope, project, size, number, desiredRevision } = volume;
  const facts = { id, name, owner, scope, project, size: size.text, ...(number === null ? {} : { number }) };
  // the revision is of the last change of the others: the access list has the present one
  if (withoutRevision(before) === JSON.stringify(facts)) return null;
  return JSON.stringify({ ...facts, revision: String(desiredRevision) });
}

/** @returns null when there is no record, or it is none of ours */
export async function readRecord(file: string): Promise<VolumeRecord | null> {
  return parseRecord(await readIfThere(file));
}

/** A record's text, whoever has written it. @returns null when it is none */
export function parseRecord(text: string | null): VolumeRecord | null {
  const facts = parsed(text);
  if (facts === null) return null;
  const { name, owner, scope, project, size, revision, number } = facts;
  if (typeof name !== 'string' || typeof owner !== 'string' || typeof scope !== 'string' || typeof size !== 'string')
    return null;
  const read = typeof revision === 'string' ? parseRevision(revision) : null;
  if (read === null) return null;
  return {
    name,
    owner,
    scope,
    project: typeof project === 'string' ? project : null,
    size,
    revision: read,
    number: typeof number === 'number' && Number.isSafeInteger(number) && number > 0 ? number : null,
  };
}

/** The facts of a record as text; nothing when it cannot be read. */
function withoutRevision(text: string | null): string {
  const { revision: _, ...facts } = parsed(text) ?? {};
  return JSON.stringify(facts);
}

function parsed(text: string | null): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
