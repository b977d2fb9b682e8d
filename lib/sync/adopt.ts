import { isCredibleNumber } from '../domain/credible';
import { Conflict, InvalidInput, NotFound } from '../domain/errors';
import { SCOPES, type Scope } from '../domain/filesystem';
import { isFilesystemName, isProjectId } from '../domain/name';
import { parseSize } from '../domain/size';
import type { Driver } from '../ports/driver';
import type { OrphanStore } from '../ports/orphan-store';
import { inBoth, type Orphan, type ReadableRecord, readableRecord, shrinkList, volumeOf, whoStays } from './orphan';

/** What an operator says of a volume, where its record says something else or nothing. */
export interface AdoptionWish {
  readonly name?: string | undefined;
  readonly owner?: string | undefined;
  readonly scope?: string | undefined;
  readonly project?: string | undefined;
  readonly size?: string | undefined;
}

/** What became of it: a new row, or the volume of a filesystem that was lost is in service again. */
export interface Adopted extends ReadableRecord {
  readonly id: string;
  readonly retired: boolean;
}

/**
 * Makes the row of a volume that stands on a backend without one, from its record. The storage is the backend's own: the caller
 * has looked. Who may mount it is computed anew, above every revision that the backend has of it.
 * @throws NotFound, InvalidInput, Conflict
 */
export async function adopt(
  backend: string,
  id: string,
  wish: AdoptionWish,
  store: OrphanStore,
  driver: Driver,
  signal: AbortSignal,
): Promise<Adopted> {
  const volumes = await driver.volumes(signal);
  const found = inBoth(volumes, volumes).find((each) => each.id === id);
  if (!found) throw new NotFound(`No volume ${id} stands on backend "${backend}".`);
  const row = await store.row(id);
  if (row) throw new Conflict(`${id} has a row already: filesystem "${row.name}" on backend "${row.backend}".`);

  const orphan: Orphan = { ...found, record: await driver.record(id, signal) };
  const attributes = attributesOf(readableRecord(orphan.record), wish);
  const number = numberOf(backend, orphan, driver);
  const { kept } = await whoStays(orphan, store, driver, signal);
  const revision = await shrinkList(backend, orphan, kept, store, driver, signal);
  await store.adopt({ ...attributes, id, backend, number, revision, retired: orphan.retired });
  return { ...attributes, id, retired: orphan.retired };
}

/**
 * Puts the volume of a filesystem that a run has found lost back into service, where it is set aside on the backend: it was
 * deleted after the backup from which the row comes.
 * @throws NotFound, Conflict
 */
export async function bringBack(id: string, store: OrphanStore, driver: Driver, signal: AbortSignal): Promise<void> {
  const found = (await driver.volumes(signal)).find((each) => each.id === id);
  if (!found)
    throw new NotFound(
      `The volume ${id} is not on its backend: put it back from a backup, or allow a new one with "recreate".`,
    );
  await driver.restore(volumeOf({ ...found, record: await driver.record(id, signal) }, driver), signal);
  if (!(await store.retry(id))) throw new Conflict(`Somebody works on ${id}: look at it again.`);
}

/**
 * The number that it keeps: its data may carry it, as a project quota's does, so that another one is never taken instead.
 * @returns null where its driver needs none, or its record has none
 * @throws Conflict when its backend cannot have it
 */
function numberOf(backend: string, { id, record }: Orphan, { capabilities: { largestNumber } }: Driver): number | null {
  const number = record?.number ?? null;
  if (largestNumber === null || number === null) return null;
  if (!isCredibleNumber(number, largestNumber))
    throw new Conflict(
      `The record of ${id} says number ${String(number)}, and backend "${backend}" has none above ${largestNumber}: adopt it where a driver can have that number, or copy its data into a new filesystem. Where the record is wrong, correct "number" in it, or take it out.`,
    );
  return number;
}

/** @throws InvalidInput */
function attributesOf(record: ReadableRecord | null, wish: AdoptionWish): ReadableRecord {
  const scope = wish.scope === undefined ? record?.scope : readScope(wish.scope);
  const name = wish.name ?? record?.name;
  const owner = wish.owner ?? record?.owner;
  const size = wish.size === undefined ? record?.size : parseSize(wish.size);
  if (name === undefined || owner === undefined || scope === undefined || size === undefined)
    throw new InvalidInput('Its record cannot be read: say --name, --owner, --scope and --size.');
  if (!isFilesystemName(name)) throw new InvalidInput(`"${name}" is no name of a filesystem.`);
  if (!isProjectId(owner)) throw new InvalidInput(`"${owner}" is no id of a project.`);
  return { name, owner, scope, project: projectOf(scope, wish.project, record?.project ?? owner), size };
}

/** @throws InvalidInput */
function projectOf(scope: Scope, said: string | undefined, other: string): string | null {
  if (said !== undefined && scope !== 'project')
    throw new InvalidInput(`--project is for scope project alone, and the scope is ${scope}.`);
  if (scope !== 'project') return null;
  const project = said ?? other;
  if (!isProjectId(project)) throw new InvalidInput(`"${project}" is no id of a project.`);
  return project;
}

function readScope(text: string): Scope {
  const scope = SCOPES.find((each) => each === text);
  if (!scope) throw new InvalidInput(`"${text}" is no scope: expected ${SCOPES.join(', ')}.`);
  return scope;
}
