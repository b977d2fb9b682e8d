import { chmod, mkdir, rename } from 'node:fs/promises';
import * as path from 'node:path';
import { type Room, type StoredVolume, type Volume, VolumeLost, type VolumeRecord } from '../../ports/driver';
import { isThere, removeFile, syncFolder } from '../durable-file';
import { fileNameOf } from '../volume-id';
import { readRecord, writeRecord } from '../volume-record';
import { allocatedBytes } from './allocated-bytes';
import { readMarker, writeMarker } from './marker';
import { removeTree } from './remove-tree';
import type { NfsVolumes, Presence } from './server';
import { isVolume, roomOf, volumesIn } from './volume-folders';

/** Where what was retired waits to be purged. */
const RETIRED = '.retired';

/**
 * A directory a volume, named by the filesystem's id, below a root that nobody else may enter (0700). Sizes are not enforced,
 * and volumes share a file system.
 */
export class DirectoryVolumes implements NfsVolumes {
  readonly quota = false;
  readonly shrink = false;
  readonly counts = 'walk';
  readonly isolation = 'none';
  readonly largestNumber = null;

  /**
   * @param root absolute
   * @param mode of a new volume's own directory
   */
  constructor(
    private readonly root: string,
    private readonly mode: number,
  ) {}

  async check(): Promise<string | null> {
    return readMarker(this.root);
  }

  async mark(identity: string): Promise<void> {
    await mkdir(this.root, { recursive: true, mode: 0o700 });
    await writeMarker(this.root, identity);
  }

  pathOf(id: string): string {
    return path.join(this.root, fileNameOf(id));
  }

  async has(id: string): Promise<Presence> {
    return (await isVolume(this.pathOf(id))) ? 'present' : 'absent';
  }

  async ensure(volume: Volume, mayCreate: boolean): Promise<void> {
    const folder = this.pathOf(volume.id);
    if (!(await isVolume(folder))) {
      // one that was retired is not begun anew: its data may be asked for
      if (!mayCreate || (await isVolume(this.#retired(volume.id)))) throw new VolumeLost();
      await this.#create(folder);
    }
    await this.record(volume);
  }

  async record(volume: Volume): Promise<void> {
    await writeRecord(`${this.pathOf(volume.id)}.json`, volume);
  }

  async readRecord(id: string): Promise<VolumeRecord | null> {
    return (await readRecord(`${this.pathOf(id)}.json`)) ?? (await readRecord(`${this.#retired(id)}.json`));
  }

  async usage(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, bigint>> {
    const used = new Map<string, bigint>();
    for (const id of ids) {
      const bytes = await allocatedBytes(this.pathOf(id), signal);
      if (bytes !== null) used.set(id, bytes);
    }
    return used;
  }

  async retire(id: string): Promise<void> {
    const folder = this.pathOf(id);
    const retired = this.#retired(id);
    const [hasVolume, hasRecord] = [await isThere(folder), await isThere(`${folder}.json`)];
    if (!hasVolume && !hasRecord) return;
    await mkdir(path.dirname(retired), { mode: 0o700 }).catch(async (error: unknown) => {
      if (!(await isVolume(path.dirname(retired)))) throw error;
    });
    if (hasVolume) await rename(folder, retired);
    if (hasRecord) await rename(`${folder}.json`, `${retired}.json`);
    await Promise.all([syncFolder(this.root), syncFolder(path.dirname(retired))]);
  }

  async restore(id: string): Promise<void> {
    const [folder, retired] = [this.pathOf(id), this.#retired(id)];
    if (await isVolume(folder)) return;
    if (!(await isVolume(retired))) throw new VolumeLost();
    // the record first: a volume in service has one
    if (await isThere(`${retired}.json`)) await rename(`${retired}.json`, `${folder}.json`);
    await rename(retired, folder);
    await Promise.all([syncFolder(this.root), syncFolder(path.dirname(retired))]);
  }

  async purge(id: string, signal: AbortSignal): Promise<void> {
    const retired = this.#retired(id);
    await removeTree(retired, signal);
    if (await isThere(`${retired}.json`)) await removeFile(`${retired}.json`);
  }

  async list(): Promise<readonly StoredVolume[]> {
    const [inService, retired] = [await volumesIn(this.root), await volumesIn(path.join(this.root, RETIRED))];
    return [...inService.map((id) => ({ id, retired: false })), ...retired.map((id) => ({ id, retired: true }))];
  }

  async numbers(): Promise<ReadonlySet<number>> {
    return new Set();
  }

  async room(): Promise<Room | null> {
    return roomOf(this.root);
  }

  #retired(id: string): string {
    return path.join(this.root, RETIRED, fileNameOf(id));
  }

  /** Under its name with its mode, or not at all: the umask has no say, and a crash leaves no volume that cannot be written. */
  async #create(folder: string): Promise<void> {
    const beside = path.join(path.dirname(folder), `.${path.basename(folder)}.new`);
    await mkdir(beside).catch(async (error: unknown) => {
      if (!(await isVolume(beside))) throw error;
    });
    await chmod(beside, this.mode);
    await rename(beside, folder);
    await syncFolder(this.root);
  }
}
