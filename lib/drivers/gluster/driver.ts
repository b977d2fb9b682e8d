import {
  type AccessList,
  type AccessResult,
  type Capabilities,
  type Driver,
  type Room,
  type StoredVolume,
  type Volume,
  VolumeLost,
  type VolumeRecord,
} from '../../ports/driver';
import { fileNameOf, isVolumeId } from '../volume-id';
import { accessChange } from './access';
import { NOBODY } from './auth-allow';
import type { BrickData } from './brick-data';
import type { Layout } from './layout';
import { isNone, type Left, leaves, renderLeft } from './left';
import type { Marker } from './marker';
import { allowedBy, type GlusterVolume, isOurs, isRetired, OPTION, recordOf } from './volume-info';
import type { VolumeLocks } from './volume-locks';
import type { VolumeMaker } from './volume-maker';
import type { GlusterVolumes } from './volumes';

/** A Gluster volume a filesystem, named by its id; all that is known of it stands in its options (docs/drivers.md). */
export class GlusterDriver implements Driver {
  readonly capabilities: Capabilities = {
    quota: true,
    shrink: true,
    usage: 'live',
    // not for the handles: whoever is root on a client can get the credentials of Gluster's own daemons
    isolation: 'none',
    enforces: 'server',
    boundedLists: true,
    protocol: 'GLUSTERFS',
    largestNumber: null,
  };

  /**
   * @param exportAddress as clients see it: an address, or a name; an IPv6 address without brackets, as mount.glusterfs takes it
   * @param settings what decides about lists and exports, as text
   * @param ownAddresses of the servers, canonical
   */
  constructor(
    private readonly cluster: GlusterVolumes,
    private readonly maker: VolumeMaker,
    private readonly marker: Marker,
    private readonly layout: Layout,
    private readonly data: BrickData,
    private readonly locks: VolumeLocks,
    private readonly exportAddress: string,
    readonly settings: string,
    readonly ownAddresses: readonly string[],
  ) {}

  async check(signal: AbortSignal): Promise<string | null> {
    return this.marker.read(signal);
  }

  async mark(identity: string, signal: AbortSignal): Promise<void> {
    await this.marker.write(identity, signal);
  }

  async ensure(volume: Volume, mayCreate: boolean, signal: AbortSignal): Promise<string> {
    await this.locks.hold(volume.id, signal, () => this.maker.make(volume, mayCreate, signal));
    return `${this.exportAddress}:/${volume.id}`;
  }

  async syncAccess(volume: Volume, access: AccessList, mayGrant: boolean, signal: AbortSignal): Promise<AccessResult> {
    return this.locks.hold(volume.id, signal, async () => {
      const found = await this.#find(volume.id, signal);
      if (mayGrant && !(found && isServed(found))) throw new VolumeLost();
      // its list was its own: nobody
      if (!found) return { refused: new Map() };
      const { options, left, taken, result } = accessChange(found, access, mayGrant);
      const record = mayGrant ? this.maker.recordOption(found, volume) : [];
      const changed = await this.cluster.set(found, new Map([...options, ...record]), signal);
      await this.#partFrom(changed, left, taken, signal);
      // a restart may have been broken off
      if (mayGrant && !found.isStarted) await this.cluster.start(found.name, signal);
      return result;
    });
  }

  async readAccess({ id }: Volume, signal: AbortSignal): Promise<readonly string[]> {
    const found = await this.#find(id, signal);
    if (!found) return [];
    const { addresses, foreign } = allowedBy(found);
    return [...addresses, ...foreign];
  }

  async usage(volumes: readonly Pick<Volume, 'id'>[], signal: AbortSignal): Promise<ReadonlyMap<string, bigint>> {
    const used = new Map<string, bigint>();
    for (const { id } of volumes) {
      const bytes = await this.cluster.used(fileNameOf(id), signal);
      if (bytes !== null) used.set(id, bytes);
    }
    return used;
  }

  async retire({ id }: Volume, signal: AbortSignal): Promise<void> {
    await this.locks.hold(id, signal, async () => {
      const found = await this.#find(id, signal);
      if (!found) return;
      await this.cluster.set(found, outOfService('yes'), signal);
      if (found.isStarted) await this.cluster.stop(found.name, signal);
    });
  }

  async restore(volume: Volume, signal: AbortSignal): Promise<void> {
    await this.locks.hold(volume.id, signal, async () => {
      const found = await this.#find(volume.id, signal);
      if (!found) throw new VolumeLost();
      // one that was stopped may have been reset, and would let in everybody
      const record = isOurs(found) ? [] : this.maker.recordOption(found, volume);
      if (isRetired(found) || !found.isStarted)
        await this.cluster.set(found, new Map([...outOfService('no'), ...record]), signal);
      if (!found.isStarted) await this.cluster.start(found.name, signal);
    });
  }

  async purge({ id }: Pick<Volume, 'id'>, signal: AbortSignal): Promise<void> {
    await this.locks.hold(id, signal, async () => {
      const found = await this.#find(id, signal);
      if (!found || !isRetired(found)) return;
      if (found.isStarted) await this.cluster.stop(found.name, signal);
      // the volume last: as long as it is there, so is the knowledge of its data
      await this.data.remove(this.layout.foldersOf(found), signal);
      await this.cluster.delete(found.name, signal);
    });
  }

  async volumes(signal: AbortSignal): Promise<readonly StoredVolume[]> {
    const ours = (await this.cluster.all(signal)).filter((each) => isVolumeId(each.name));
    return ours.map((each) => ({ id: each.name, retired: isRetired(each) }));
  }

  async record(id: string, signal: AbortSignal): Promise<VolumeRecord | null> {
    const found = await this.#find(id, signal);
    return found && recordOf(found);
  }

  async numbers(): Promise<ReadonlySet<number>> {
    return new Set();
  }

  async room(signal: AbortSignal): Promise<Room | null> {
    return this.marker.room(signal);
  }

  /** Whatever its options say: one that was reset is open to everybody, and has no record. Null: there is none. */
  async #find(id: string, signal: AbortSignal): Promise<GlusterVolume | null> {
    return this.cluster.find(fileNameOf(id), signal);
  }

  /** Waits until they are cut off; those that are not after some time are by a restart, which also their neighbours feel. */
  async #partFrom(volume: GlusterVolume, left: Left, taken: readonly string[], signal: AbortSignal): Promise<void> {
    if (isNone(left)) return;
    const { name, isStarted } = volume;
    if (isStarted && !(await this.cluster.hasParted(name, leaves(left, taken, this.ownAddresses), signal))) {
      await this.cluster.stop(name, signal);
      await this.cluster.start(name, signal);
    }
    // whoever has such an address later is somebody else
    await this.cluster.set(volume, new Map([[OPTION.left, renderLeft([])]]), signal);
  }
}

/** Not one that was never complete. One that was reset while it was served is. */
function isServed(volume: GlusterVolume): boolean {
  return !isRetired(volume) && (isOurs(volume) || volume.isStarted);
}

/** In one step with nobody's access: in whatever state it is left, it lets in nobody. */
function outOfService(retired: 'yes' | 'no'): ReadonlyMap<string, string> {
  return new Map([
    [OPTION.allow, NOBODY],
    [OPTION.retired, retired],
  ]);
}
