import {
  type AccessList,
  type AccessResult,
  type Capabilities,
  type Driver,
  NewerRevision,
  type Room,
  type StoredVolume,
  TerminalError,
  type Volume,
  VolumeLost,
  type VolumeRecord,
} from '../../lib/ports/driver';

export type Method = Exclude<keyof Driver, 'capabilities' | 'ownAddresses' | 'settings'>;

/** A list that a volume had, as a client of the storage would have met it. */
export interface HeldList {
  readonly id: string;
  readonly revision: bigint;
  readonly addresses: readonly string[];
  /** It was only cut down: not one that the database asked for. */
  readonly cut: boolean;
}

/** What is done instead of, or around, a call: for specs. `after` is told when the work is done and its caller knows nothing of it. */
interface Interference {
  readonly method: Method;
  readonly when: 'before' | 'after';
  act(signal: AbortSignal): Promise<void> | void;
}

/** A storage backend in memory. It outlives the processes that use it, as a filer does. */
export class InMemoryDriver implements Driver {
  readonly capabilities: Capabilities = {
    quota: true,
    shrink: true,
    usage: 'live',
    isolation: 'file-system',
    enforces: 'server',
    boundedLists: false,
    protocol: 'MEMORY',
    largestNumber: null,
  };
  readonly ownAddresses: readonly string[] = [];
  readonly settings: string = 'in-memory';

  /** The identity that stands in the storage; specs may change it. */
  marker: string | null = null;
  readonly stored = new Map<string, { size: bigint; used: bigint; retired: boolean }>();
  readonly records = new Map<string, VolumeRecord>();
  /** What there is in all; what the volumes use is taken from it. */
  totalBytes = 1n << 50n;
  readonly lists = new Map<string, { revision: bigint; addresses: readonly string[] }>();
  /** Every list that was ever held, in order. */
  readonly history: HeldList[] = [];
  /** Addresses that it refuses. */
  readonly refusing = new Map<string, string>();
  readonly calls: Method[] = [];
  /** What is done before every call, as long as it stands: a filer in trouble. */
  trouble: ((method: Method, signal: AbortSignal) => Promise<void> | void) | null = null;
  readonly #interferences: Interference[] = [];

  /** Interferes with the next call of that method. */
  once(method: Method, when: Interference['when'], act: Interference['act']): void {
    this.#interferences.push({ method, when, act });
  }

  /** The next call of that method fails before it does anything. */
  failOnce(method: Method, error: Error): void {
    this.once(method, 'before', () => {
      throw error;
    });
  }

  async check(signal: AbortSignal): Promise<string | null> {
    return this.#call('check', signal, () => this.marker);
  }

  async mark(identity: string, signal: AbortSignal): Promise<void> {
    return this.#call('mark', signal, () => {
      if (this.marker !== null && this.marker !== identity) throw new TerminalError('the storage has another marker');
      this.marker = identity;
    });
  }

  async ensure(volume: Volume, mayCreate: boolean, signal: AbortSignal): Promise<string> {
    const { id, size } = volume;
    return this.#call('ensure', signal, () => {
      const present = this.stored.get(id);
      if (present?.retired || (!present && !mayCreate)) throw new VolumeLost();
      if (present && present.used > size.bytes)
        throw new TerminalError(`The volume holds ${present.used} bytes, more than ${size.text}.`);
      this.stored.set(id, { used: 0n, retired: false, ...present, size: size.bytes });
      this.#record(volume);
      return `memory:/${id}`;
    });
  }

  async syncAccess(volume: Volume, access: AccessList, mayGrant: boolean, signal: AbortSignal): Promise<AccessResult> {
    const { id } = volume;
    return this.#call('syncAccess', signal, () => {
      const present = this.lists.get(id);
      if (present && present.revision > access.revision) throw new NewerRevision(present.revision);
      if (mayGrant && this.stored.get(id)?.retired !== false) throw new VolumeLost();
      const refused = new Map(
        access.addresses.flatMap((address) => {
          const why = this.refusing.get(address);
          return why === undefined || !mayGrant ? [] : [[address, why] as const];
        }),
      );
      const granted = mayGrant
        ? access.addresses
        : access.addresses.filter((each) => present?.addresses.includes(each));
      const addresses = granted.filter((address) => !refused.has(address));
      this.lists.set(id, { revision: access.revision, addresses });
      if (mayGrant) this.#record(volume);
      this.history.push({ id, revision: access.revision, addresses, cut: !mayGrant || refused.size > 0 });
      return { refused };
    });
  }

  async readAccess({ id }: Volume, signal: AbortSignal): Promise<readonly string[]> {
    return this.#call('readAccess', signal, () => this.lists.get(id)?.addresses ?? []);
  }

  async usage(volumes: readonly Pick<Volume, 'id'>[], signal: AbortSignal): Promise<ReadonlyMap<string, bigint>> {
    return this.#call(
      'usage',
      signal,
      () =>
        new Map(
          volumes.flatMap(({ id }) => {
            const volume = this.stored.get(id);
            return volume ? [[id, volume.used] as const] : [];
          }),
        ),
    );
  }

  async retire({ id }: Volume, signal: AbortSignal): Promise<void> {
    return this.#call('retire', signal, () => {
      this.lists.delete(id);
      const volume = this.stored.get(id);
      if (volume) volume.retired = true;
    });
  }

  async purge({ id }: Pick<Volume, 'id'>, signal: AbortSignal): Promise<void> {
    return this.#call('purge', signal, () => {
      if (!this.stored.get(id)?.retired) return;
      this.stored.delete(id);
      this.records.delete(id);
    });
  }

  async restore({ id }: Volume, signal: AbortSignal): Promise<void> {
    return this.#call('restore', signal, () => {
      const volume = this.stored.get(id);
      if (!volume) throw new VolumeLost();
      volume.retired = false;
    });
  }

  async volumes(signal: AbortSignal): Promise<readonly StoredVolume[]> {
    return this.#call('volumes', signal, () => [...this.stored].map(([id, { retired }]) => ({ id, retired })));
  }

  async record(id: string, signal: AbortSignal): Promise<VolumeRecord | null> {
    return this.#call('record', signal, () => this.records.get(id) ?? null);
  }

  async numbers(signal: AbortSignal): Promise<ReadonlySet<number>> {
    return this.#call('numbers', signal, () => new Set<number>());
  }

  async room(signal: AbortSignal): Promise<Room | null> {
    return this.#call('room', signal, () => {
      const used = [...this.stored.values()].reduce((sum, each) => sum + each.used, 0n);
      return { totalBytes: this.totalBytes, freeBytes: this.totalBytes - used };
    });
  }

  #record({ id, name, owner, scope, project, size, number, desiredRevision }: Volume): void {
    this.records.set(id, { name, owner, scope, project, size: size.text, number, revision: desiredRevision });
  }

  async #call<Result>(method: Method, signal: AbortSignal, work: () => Result): Promise<Result> {
    signal.throwIfAborted();
    this.calls.push(method);
    await this.trouble?.(method, signal);
    await this.#interfere(method, 'before', signal);
    signal.throwIfAborted();
    const result = work();
    await this.#interfere(method, 'after', signal);
    return result;
  }

  async #interfere(method: Method, when: Interference['when'], signal: AbortSignal): Promise<void> {
    const index = this.#interferences.findIndex((each) => each.method === method && each.when === when);
    const [interference] = index < 0 ? [] : this.#interferences.splice(index, 1);
    await interference?.act(signal);
  }
}
