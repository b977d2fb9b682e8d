import { mkdir } from 'node:fs/promises';
import * as path from 'node:path';
import { isJsonObject } from '../../json';
import {
  type AccessList,
  type AccessResult,
  type Capabilities,
  type Driver,
  type Room,
  type StoredVolume,
  TerminalError,
  type Volume,
  type VolumeRecord,
} from '../../ports/driver';
import type { ProcessIdentity } from '../../ports/process';
import { isMissing } from '../durable-file';
import { withLockFile } from '../lock-file';
import { fileNameOf, isVolumeId } from '../volume-id';
import { AccessLists } from './access-lists';
import { AccessRules } from './access-rules';
import type { ManilaApi } from './manila-api';
import { Marker } from './marker';
import { readRoom } from './pools';
import { listIn } from './share';
import { ShareVolumes } from './share-volumes';
import { type ShareKind, Shares } from './shares';

/** How long Manila is waited for where others wait for that, in milliseconds. */
export interface Patience {
  /** A withdrawal, for the rules of those who stay. */
  readonly bridge: number;
  /** A purge, for the share's end. */
  readonly purge: number;
}

/** Volumes that are shares of an existing Manila, whatever drives its storage. */
export class ManilaDriver implements Driver {
  readonly capabilities: Capabilities;
  /** Manila's export locations are not known before there is one. */
  readonly ownAddresses: readonly string[] = [];
  readonly #volumes: ShareVolumes;
  readonly #lists: AccessLists;
  readonly #marker: Marker;

  /**
   * @param maxRules access rules a share
   * @param locks a folder for what keeps processes of this machine from working on one share at once
   * @param settings what decides about shares and rules, as text, with no secret in it
   */
  constructor(
    private readonly api: ManilaApi,
    private readonly kind: ShareKind,
    maxRules: number,
    private readonly locks: string,
    private readonly self: ProcessIdentity,
    readonly settings: string,
    patience: Patience,
  ) {
    const shares = new Shares(api, kind);
    this.#lists = new AccessLists(shares, new AccessRules(api), maxRules, patience.bridge);
    this.#volumes = new ShareVolumes(shares, this.#lists, patience.purge);
    this.#marker = new Marker(api, kind.backend);
    this.capabilities = {
      quota: true,
      shrink: true,
      usage: 'none',
      isolation: 'file-system',
      enforces: 'server',
      boundedLists: true,
      protocol: kind.protocol,
      largestNumber: null,
    };
  }

  async check(signal: AbortSignal): Promise<string | null> {
    const { shareType } = this.kind;
    const { body } = await this.api.ask({ method: 'GET', path: '/types' }, signal);
    const isKnown = listIn(body, 'share_types').some(
      (each) => isJsonObject(each) && (each.name === shareType || each.id === shareType),
    );
    if (!isKnown)
      throw new TerminalError(`Manila has no share type "${shareType}" for this service: make it, or set another.`);
    return this.#marker.read(signal);
  }

  async mark(identity: string, signal: AbortSignal): Promise<void> {
    await this.#marker.write(identity, signal);
  }

  async ensure(volume: Volume, mayCreate: boolean, signal: AbortSignal): Promise<string> {
    return this.#alone(volume, signal, () => this.#volumes.ensure(volume, mayCreate, signal));
  }

  async syncAccess(volume: Volume, access: AccessList, mayGrant: boolean, signal: AbortSignal): Promise<AccessResult> {
    return this.#alone(volume, signal, () => this.#lists.sync(volume, access, mayGrant, signal));
  }

  async readAccess(volume: Volume, signal: AbortSignal): Promise<readonly string[]> {
    return this.#lists.read(volume, signal);
  }

  /** Manila does not tell what is used. */
  async usage(): Promise<ReadonlyMap<string, bigint>> {
    return new Map();
  }

  async retire(volume: Volume, signal: AbortSignal): Promise<void> {
    await this.#alone(volume, signal, () => this.#volumes.retire(volume, signal));
  }

  async restore(volume: Volume, signal: AbortSignal): Promise<void> {
    await this.#alone(volume, signal, () => this.#volumes.restore(volume, signal));
  }

  async purge(volume: Pick<Volume, 'id'>, signal: AbortSignal): Promise<void> {
    await this.#volumes.purge(volume.id, signal);
  }

  async volumes(signal: AbortSignal): Promise<readonly StoredVolume[]> {
    return (await this.#volumes.list(signal)).filter(({ id }) => isVolumeId(id));
  }

  async record(id: string, signal: AbortSignal): Promise<VolumeRecord | null> {
    return this.#volumes.record(id, signal);
  }

  async numbers(): Promise<ReadonlySet<number>> {
    return new Set();
  }

  async room(signal: AbortSignal): Promise<Room | null> {
    return readRoom(this.api, this.kind.shareType, signal);
  }

  /** While no other process of this machine works on the volume: of other machines', the leases of the database keep it apart. */
  async #alone<Result>({ id }: Pick<Volume, 'id'>, signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    signal.throwIfAborted();
    const lock = path.join(this.locks, `${fileNameOf(id)}.lock`);
    try {
      return await withLockFile(lock, this.self, signal, work);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    await mkdir(this.locks, { recursive: true, mode: 0o700 });
    return withLockFile(lock, this.self, signal, work);
  }
}
