import type { InstanceAddress } from '../domain/address';
import { InvalidInput } from '../domain/errors';
import { isInstanceId, isProjectId } from '../domain/name';
import { fieldOf, type JsonObject, optionalText } from './payload-fields';

/** What the payload of a notification says of its instance, whatever its format. */
export interface InstancePayload {
  readonly instanceId: string;
  /** Undefined: not said. */
  readonly project: string | undefined;
  /** Nova's vm states that it names, the present one first; empty: none said. */
  readonly states: readonly string[];
  /** Nova's task states that it names; empty: no task. */
  readonly tasks: readonly string[];
  /** The list as it stands. Undefined: there is none, or something in it is no address. */
  readonly addresses: readonly InstanceAddress[] | undefined;
}

/**
 * The id of the instance, which every notification of one must have.
 * @throws InvalidInput
 */
export function instanceIdIn(payload: JsonObject, name: string): string {
  const id = fieldOf(payload, name);
  if (typeof id !== 'string' || !isInstanceId(id))
    throw new InvalidInput(`"${name}" in its payload is no instance id.`);
  return id;
}

/**
 * The project that owns the instance. Never that of the caller, in the context, who may be an administrator.
 * @throws InvalidInput
 */
export function projectIn(payload: JsonObject): string | undefined {
  const project = optionalText(payload, 'tenant_id');
  if (project === null) return undefined;
  if (!isProjectId(project)) throw new InvalidInput('"tenant_id" in its payload is no project id.');
  return project;
}

/**
 * Those of the named fields that hold a text.
 * @throws InvalidInput when one holds something else
 */
export function textsIn(payload: JsonObject, ...names: readonly string[]): readonly string[] {
  return names.map((name) => optionalText(payload, name)).filter((text) => text !== null);
}

/**
 * A list of addresses as it stands.
 * @param read gives the addresses of one entry, null when it is none: the list is then not known, which is not the same as empty
 */
export function wholeList(
  list: unknown,
  read: (entry: unknown) => readonly InstanceAddress[] | null,
): readonly InstanceAddress[] | undefined {
  if (!Array.isArray(list)) return undefined;
  const entries = list.map(read);
  return entries.includes(null) ? undefined : entries.flatMap((addresses) => addresses ?? []);
}
