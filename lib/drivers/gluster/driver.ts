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
import { fileNameOf, isVolumeId } from '../nfs/volume-id';
import { accessChange } from './access';
import { NOBODY } from './auth-allow';
import type { BrickData } from './brick-data';
import type { Layout } from './layout';
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
      if (mayGrant && (!found || isRetired(found))) throw new VolumeLost();
      // its list was its own: nobody
      if (!found) return { refused: new Map() };
      const { options, left, isNobody, result } = accessChange(found, access, mayGrant);
      const record = mayGrant ? this.maker.recordOption(found, volume) : [];
      await this.cluster.set(found, new Map([...options, ...record]), signal);
      if (found.isStarted && left.length > 0) await this.#partFrom(found.name, left, isNobody, signal);
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
      const quota = await this.cluster.quota(fileNameOf(id), signal);
      if (quota) used.set(id, quota.usedBytes);
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

  async restore({ id }: Volume, signal: AbortSignal): Promise<void> {
    await this.locks.hold(id, signal, async () => {
      const found = await this.#find(id, signal);
      if (!found) throw new VolumeLost();
      if (isRetired(found)) await this.cluster.set(found, outOfService('no'), signal);
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
    const ours = (await this.cluster.all(signal)).filter((each) => isVolumeId(each.name) && isOurs(each));
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

  /** Null: there is none, or none that was ever complete. */
  async #find(id: string, signal: AbortSignal): Promise<GlusterVolume | null> {
    const found = await this.cluster.find(fileNameOf(id), signal);
    return found && isOurs(found) ? found : null;
  }

  /** @throws Error while one of them keeps its connection */
  async #partFrom(name: string, addresses: readonly string[], isNobody: boolean, signal: AbortSignal): Promise<void> {
    // the servers' own daemons are always connected, and are no clients
    const clients = addresses.filter((each) => !this.ownAddresses.includes(each));
    const left = await this.cluster.partedFrom(name, clients, signal);
    if (left.length === 0) return;
    if (!isNobody) throw new Error(`Gluster has taken away access, and is still connected with ${left.join(', ')}`);
    // one that never logs in can hold its connection for ever: nobody else is there whom this could harm
    await this.cluster.stop(name, signal);
    await this.cluster.start(name, signal);
  }
}

/** In one step with nobody's access: in whatever state it is left, it lets in nobody. */
function outOfService(retired: 'yes' | 'no'): ReadonlyMap<string, string> {
  return new Map([
    [OPTION.allow, NOBODY],
    [OPTION.retired, retired],
  ]);
}
