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
import { isFull } from '../durable-file';
import type { NfsServer, NfsVolumes } from './server';

/** What the exports of a backend have in common. */
export interface NfsAddress {
  /** As clients see it: an address, or a name, with brackets round an IPv6 address. */
  readonly host: string;
  /** Where clients find the volumes: a path that ends without a slash. */
  readonly path: string;
}

/** Volumes of one kind, exported by one kind of NFS server. */
export class NfsDriver implements Driver {
  readonly capabilities: Capabilities;

  /**
   * @param settings what decides about lists and exports, as text
   * @param ownAddresses the filer's, canonical
   */
  constructor(
    private readonly storage: NfsVolumes,
    private readonly server: NfsServer,
    private readonly address: NfsAddress,
    readonly settings: string,
    readonly ownAddresses: readonly string[],
  ) {
    const { quota, shrink, counts: usage, isolation } = storage;
    this.capabilities = {
      quota,
      shrink,
      usage,
      isolation,
      enforces: server.enforces,
      boundedLists: false,
      protocol: 'NFS',
      largestNumber: smallest(storage.largestNumber, server.largestNumber),
    };
  }

  async check(signal: AbortSignal): Promise<string | null> {
    await this.server.check(signal);
    return this.storage.check(signal);
  }

  async mark(identity: string, signal: AbortSignal): Promise<void> {
    await this.storage.mark(identity, signal);
    await this.server.prepare();
  }

  async ensure(volume: Volume, mayCreate: boolean, signal: AbortSignal): Promise<string> {
    await this.storage.ensure(volume, mayCreate, signal);
    return `${this.address.host}:${this.address.path}/${volume.id}`;
  }

  async syncAccess(volume: Volume, access: AccessList, mayGrant: boolean, signal: AbortSignal): Promise<AccessResult> {
    const where = this.storage.pathOf(volume.id);
    if (!mayGrant) return this.server.sync(volume, where, access, false, signal);
    try {
      const presence = await this.storage.has(volume.id, signal);
      if (presence === 'absent') throw new VolumeLost();
      if (presence === 'mounted-now') await this.server.release(volume, where, signal);
    } catch (error) {
      // storage that fails in whatever way keeps nobody let in
      await this.server.sync(volume, where, access, false, signal);
      throw error;
    }
    const result = await this.server.sync(volume, where, access, true, signal);
    await this.#record(volume);
    return result;
  }

  /** Storage that tenants have filled up holds up no list: the record follows with the next one. */
  async #record(volume: Volume): Promise<void> {
    try {
      await this.storage.record(volume);
    } catch (error) {
      if (!isFull(error)) throw error;
    }
  }

  async readAccess(volume: Volume, signal: AbortSignal): Promise<readonly string[]> {
    return this.server.read(volume, this.storage.pathOf(volume.id), signal);
  }

  async usage(volumes: readonly Pick<Volume, 'id'>[], signal: AbortSignal): Promise<ReadonlyMap<string, bigint>> {
    return this.storage.usage(
      volumes.map(({ id }) => id),
      signal,
    );
  }

  async retire(volume: Volume, signal: AbortSignal): Promise<void> {
    await this.server.remove(volume, this.storage.pathOf(volume.id), signal);
    await this.storage.retire(volume.id, signal);
  }

  async restore({ id }: Volume, signal: AbortSignal): Promise<void> {
    await this.storage.restore(id, signal);
  }

  async purge({ id }: Pick<Volume, 'id'>, signal: AbortSignal): Promise<void> {
    await this.storage.purge(id, signal);
  }

  async volumes(signal: AbortSignal): Promise<readonly StoredVolume[]> {
    return this.storage.list(signal);
  }

  async record(id: string): Promise<VolumeRecord | null> {
    return this.storage.readRecord(id);
  }

  async numbers(signal: AbortSignal): Promise<ReadonlySet<number>> {
    const [stored, exported] = await Promise.all([this.storage.numbers(signal), this.server.numbers(signal)]);
    return new Set([...stored, ...exported]);
  }

  async room(signal: AbortSignal): Promise<Room | null> {
    return this.storage.room(signal);
  }
}

/** The smaller of two limits, of which null is none. */
function smallest(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.min(one, other);
}
