import {
  type AccessList,
  type AccessResult,
  type Capabilities,
  type Driver,
  type Volume,
  VolumeLost,
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
    private readonly volumes: NfsVolumes,
    private readonly server: NfsServer,
    private readonly address: NfsAddress,
    readonly settings: string,
    readonly ownAddresses: readonly string[],
  ) {
    const { quota, shrink, counts: usage, isolation } = volumes;
    this.capabilities = { quota, shrink, usage, isolation, enforces: server.enforces, protocol: 'NFS' };
  }

  async check(signal: AbortSignal): Promise<string | null> {
    await this.server.check(signal);
    return this.volumes.check(signal);
  }

  async mark(identity: string, signal: AbortSignal): Promise<void> {
    await this.volumes.mark(identity, signal);
    await this.server.prepare();
  }

  async ensure(volume: Volume, mayCreate: boolean, signal: AbortSignal): Promise<string> {
    await this.volumes.ensure(volume, mayCreate, signal);
    return `${this.address.host}:${this.address.path}/${volume.id}`;
  }

  async syncAccess(volume: Volume, access: AccessList, mayGrant: boolean, signal: AbortSignal): Promise<AccessResult> {
    const where = this.volumes.pathOf(volume.id);
    if (!mayGrant) return this.server.sync(volume, where, access, false, signal);
    try {
      if (!(await this.volumes.has(volume.id))) throw new VolumeLost();
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
      await this.volumes.record(volume);
    } catch (error) {
      if (!isFull(error)) throw error;
    }
  }

  async readAccess(volume: Volume, signal: AbortSignal): Promise<readonly string[]> {
    return this.server.read(volume, this.volumes.pathOf(volume.id), signal);
  }

  async usage(volumes: readonly Pick<Volume, 'id'>[], signal: AbortSignal): Promise<ReadonlyMap<string, bigint>> {
    return this.volumes.usage(
      volumes.map(({ id }) => id),
      signal,
    );
  }

  async retire(volume: Volume, signal: AbortSignal): Promise<void> {
    await this.server.remove(volume, this.volumes.pathOf(volume.id), signal);
    await this.volumes.retire(volume.id);
  }

  async purge({ id }: Pick<Volume, 'id'>, signal: AbortSignal): Promise<void> {
    await this.volumes.purge(id, signal);
  }
}
