import { isIP } from 'node:net';
import { isCredibleNumber } from '../domain/credible';
import { SCOPES, type Scope } from '../domain/filesystem';
import { isFilesystemName, isProjectId } from '../domain/name';
import { parseSize, type Size } from '../domain/size';
import { type Driver, NewerRevision, type StoredVolume, type Volume, type VolumeRecord } from '../ports/driver';
import type { OrphanStore } from '../ports/orphan-store';

/** What a record says that can be believed to mean something. */
export interface ReadableRecord {
  readonly name: string;
  readonly owner: string;
  readonly scope: Scope;
  readonly project: string | null;
  readonly size: Size;
}

/** A volume that stands on a backend without a row. */
export interface Orphan {
  readonly id: string;
  readonly retired: boolean;
  /** As it stands there; null: none, or one that cannot be read. */
  readonly record: VolumeRecord | null;
}

/** Volumes of one listing that the next one has too, each once; in service where it is both. */
export function inBoth(first: readonly StoredVolume[], second: readonly StoredVolume[]): readonly StoredVolume[] {
  const inService = new Set(second.filter(({ retired }) => !retired).map(({ id }) => id));
  const known = new Set(first.map(({ id }) => id));
  return [...new Set(second.map(({ id }) => id))]
    .filter((id) => known.has(id))
    .map((id) => ({ id, retired: !inService.has(id) }));
}

/**
 * Volumes without a row. Rows are committed before their volumes are made, and go after them: rows are read behind volumes, and
 * whatever is suspicious is looked at twice.
 */
export async function findOrphans(
  backend: string,
  store: OrphanStore,
  driver: Driver,
  signal: AbortSignal,
): Promise<readonly StoredVolume[]> {
  const look = async () => {
    const volumes = await driver.volumes(signal);
    const without = new Set(await store.withoutRow(backend, [...new Set(volumes.map(({ id }) => id))]));
    return volumes.filter(({ id }) => without.has(id));
  };
  const first = await look();
  return first.length === 0 ? [] : inBoth(first, await look());
}

/** @returns null where there is none, or something in it is none of ours */
export function readableRecord(record: VolumeRecord | null): ReadableRecord | null {
  if (!record) return null;
  const scope = SCOPES.find((each) => each === record.scope);
  const project = scope === 'project' ? record.project : null;
  const size = sizeOf(record.size);
  if (!scope || !size || !isFilesystemName(record.name) || !isProjectId(record.owner)) return null;
  if (scope === 'project' && (project === null || !isProjectId(project))) return null;
  return { name: record.name, owner: record.owner, scope, project, size };
}

/** What a driver is told of it. A number that its backend cannot have is none. */
export function volumeOf({ id, record }: Orphan, { capabilities }: Pick<Driver, 'capabilities'>): Volume {
  const readable = readableRecord(record);
  const number = record?.number ?? null;
  return {
    id,
    ...(readable ?? { name: id, owner: '', scope: 'instance', project: null, size: { bytes: 1n, text: '1Kb' } }),
    desiredRevision: record?.revision ?? 0n,
    number: isCredibleNumber(number, capabilities.largestNumber) ? number : null,
  };
}

/**
 * Whom an orphan lets in, and whom of these it may go on letting in: live instances that its record speaks for; nobody where it
 * is retired, or has no record that can be read.
 */
export async function whoStays(
  orphan: Orphan,
  store: OrphanStore,
  driver: Driver,
  signal: AbortSignal,
): Promise<{ readonly before: readonly string[]; readonly kept: readonly string[] }> {
  const before = await driver.readAccess(volumeOf(orphan, driver), signal);
  const addresses = addressesOf(before);
  const keeper = orphan.retired || addresses.length === 0 ? null : readableRecord(orphan.record);
  return { before, kept: keeper ? await store.heldByLive(addresses, keeper) : [] };
}

/**
 * Cuts an orphan's list down to these. Nothing else of it is touched, and nobody is let in.
 * @returns the highest revision that the backend is known to have of it
 * @throws NewerRevision when somebody has adopted it meanwhile
 */
export async function shrinkList(
  backend: string,
  orphan: Orphan,
  kept: readonly string[],
  store: OrphanStore,
  driver: Driver,
  signal: AbortSignal,
): Promise<bigint> {
  const volume = volumeOf(orphan, driver);
  const shrink = async (revision: bigint) => {
    await driver.syncAccess(volume, { addresses: kept, revision }, false, signal);
    return revision;
  };
  try {
    return await shrink(volume.desiredRevision);
  } catch (error) {
    if (!(error instanceof NewerRevision)) throw error;
    // who adopts it goes above that revision: seen without a row after that, the list is not his
    if ((await store.withoutRow(backend, [orphan.id])).length === 0) throw error;
    return shrink(error.revision);
  }
}

/** Without the words that somebody has written there: a name may look like an address, `cafe.be`. */
function addressesOf(found: readonly string[]): readonly string[] {
  return found.filter((each) => isIP(each) !== 0);
}

function sizeOf(text: string): Size | null {
  try {
    return parseSize(text);
  } catch {
    return null;
  }
}
