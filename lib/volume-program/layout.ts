import { chmod, chown, lstat, mkdir, readdir, rename } from 'node:fs/promises';
import * as path from 'node:path';
import { isUuid } from '../domain/uuid';
import { syncFolder } from '../drivers/durable-file';
import { readMarkerText, writeMarker } from '../drivers/nfs/marker';
import { errorCode } from '../error-code';
import type { Configuration } from './configuration';
import { bareMountPoints, prepareMountPoints } from './mount-points';
import { requireRootsFolder } from './ownership';
import { RECORDS, RETIRED, SUFFIX, VOLUMES } from './verbs';

/** Who asked by sudo, from what sudo itself tells; root where it was root. */
export interface Caller {
  readonly uid: number;
  readonly gid: number;
}

/** Where things are on the storage. Everything but `records` is root's, so nobody can put a link in its place. */
export class Layout {
  readonly root: string;
  readonly volumes: string;
  readonly retired: string;
  readonly #suffix: string;

  constructor(private readonly configuration: Configuration) {
    this.root = configuration.root;
    this.volumes = path.join(this.root, VOLUMES);
    this.retired = path.join(this.root, RETIRED);
    this.#suffix = SUFFIX[configuration.kind];
  }

  /** The data of a volume in service. */
  volume(id: string): string {
    return path.join(this.volumes, id + this.#suffix);
  }

  /** The data of a volume that was set aside. */
  setAside(id: string): string {
    return path.join(this.retired, id + this.#suffix);
  }

  /** A volume that is being made: no volume yet. */
  begun(id: string): string {
    return path.join(this.volumes, `.${id}${this.#suffix}.new`);
  }

  /** Where a volume is mounted by itself; null where it is exported in its place. */
  mountPoint(id: string): string | null {
    return this.configuration.mounts && path.join(this.configuration.mounts, id);
  }

  /** What is where volumes are mounted, and no mount. */
  async bareMountPoints(): Promise<readonly string[]> {
    const { mounts } = this.configuration;
    return mounts === null ? [] : bareMountPoints(mounts);
  }

  /** Ids of the volumes in service. */
  async ids(): Promise<readonly string[]> {
    const names = await readdir(this.volumes);
    const ids = names
      .filter((name) => name.endsWith(this.#suffix))
      .map((name) => name.slice(0, 36) + name.slice(36 + this.#suffix.length));
    return ids.filter(isUuid);
  }

  /**
   * Requires that this is the storage, whole, ours, and root's alone. Before anything else is done.
   * @param identity of the backend; null where the caller does not tell
   * @returns the identity in the marker
   */
  async require(identity: string | null, signal: AbortSignal): Promise<string> {
    await requireRootsFolder(this.root);
    const marker = await readMarkerText(this.root);
    if (marker === null) throw new Error(`The storage ${this.root} has no marker: it is not mounted, or not ours.`);
    const expected = this.configuration.identity ?? identity ?? marker;
    if (!isUuid(marker) || marker !== expected || (identity !== null && marker !== identity))
      throw new Error(`The storage ${this.root} has another marker: it is another deployment's.`);
    const { dev } = await lstat(this.root);
    for (const folder of [this.volumes, this.retired]) {
      await requireRootsFolder(folder);
      if ((await lstat(folder)).dev !== dev) throw new Error(`${folder} is on another file system than ${this.root}.`);
    }
    await this.#prepareMountPoints((await lstat(this.volumes)).gid, signal);
    return marker;
  }

  /** Makes the folders, and then the marker, whole or not at all. Never replaces another's. */
  async mark(identity: string, { uid, gid }: Caller, signal: AbortSignal): Promise<void> {
    await requireRootsFolder(this.root);
    const { identity: expected, rootOn } = this.configuration;
    if (rootOn === 'own-disk' && (await lstat(this.root)).dev === (await lstat('/')).dev)
      throw new Error(
        `The storage ${this.root} is on the system's own disk: mount it. Where it is meant to be there, "rootOn" in the configuration of the volume program is to be "any-disk".`,
      );
    if (expected !== null && expected !== identity)
      throw new Error('The configuration of the volume program has the identity of another backend.');
    // whoever asks may look what there is, and change nothing
    for (const folder of [this.volumes, this.retired]) await ownFolder(folder, 0o750, 0, gid);
    await this.#prepareMountPoints(gid, signal);
    await ownFolder(path.join(this.root, RECORDS), 0o700, uid, gid);
    await writeMarker(this.root, identity, 0o644);
  }

  async #prepareMountPoints(gid: number, signal: AbortSignal): Promise<void> {
    const { mounts } = this.configuration;
    if (mounts !== null) await prepareMountPoints(mounts, gid, signal);
  }

  /** Moves a volume within the storage, for good. */
  async move(from: string, to: string): Promise<void> {
    await rename(from, to);
    await Promise.all([syncFolder(this.volumes), syncFolder(this.retired)]);
  }
}

/** Makes a folder with owner and mode; one that is there is left as it is. */
async function ownFolder(folder: string, mode: number, uid: number, gid: number): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (errorCode(error) === 'EEXIST' && (await lstat(folder)).isDirectory()) return;
    throw error;
  }
  await chown(folder, uid, gid);
  await chmod(folder, mode);
}
