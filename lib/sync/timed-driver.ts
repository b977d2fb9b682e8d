import { withDeadline } from '../deadline';
import type { Clock } from '../ports/clock';
import type {
  AccessList,
  AccessResult,
  Capabilities,
  Driver,
  Room,
  StoredVolume,
  Volume,
  VolumeRecord,
} from '../ports/driver';
import type { Metrics } from '../ports/metrics';

/** How long one call of a driver may take, in milliseconds. Purging goes in slices, and has no end of its own. */
const LONGEST = {
  check: 10_000,
  mark: 30_000,
  ensure: 120_000,
  syncAccess: 60_000,
  readAccess: 60_000,
  usage: 3_600_000,
  retire: 60_000,
  restore: 60_000,
  purge: null,
  volumes: 60_000,
  record: 10_000,
  numbers: 10_000,
  room: 10_000,
} as const;

/** A driver whose calls are counted, and given up after their time. */
export class TimedDriver implements Driver {
  readonly capabilities: Capabilities;
  readonly ownAddresses: readonly string[];
  readonly settings: string;

  constructor(
    private readonly backend: string,
    private readonly driver: Driver,
    private readonly clock: Clock,
    private readonly metrics: Metrics,
  ) {
    this.capabilities = driver.capabilities;
    this.ownAddresses = driver.ownAddresses;
    this.settings = driver.settings;
  }

  async check(signal: AbortSignal): Promise<string | null> {
    return this.#call('check', signal, (each) => this.driver.check(each));
  }

  async mark(identity: string, signal: AbortSignal): Promise<void> {
    return this.#call('mark', signal, (each) => this.driver.mark(identity, each));
  }

  async ensure(volume: Volume, mayCreate: boolean, signal: AbortSignal): Promise<string> {
    return this.#call('ensure', signal, (each) => this.driver.ensure(volume, mayCreate, each));
  }

  async syncAccess(volume: Volume, access: AccessList, mayGrant: boolean, signal: AbortSignal): Promise<AccessResult> {
    return this.#call('syncAccess', signal, (each) => this.driver.syncAccess(volume, access, mayGrant, each));
  }

  async readAccess(volume: Volume, signal: AbortSignal): Promise<readonly string[]> {
    return this.#call('readAccess', signal, (each) => this.driver.readAccess(volume, each));
  }

  async usage(volumes: readonly Pick<Volume, 'id'>[], signal: AbortSignal): Promise<ReadonlyMap<string, bigint>> {
    return this.#call('usage', signal, (each) => this.driver.usage(volumes, each));
  }

  async retire(volume: Volume, signal: AbortSignal): Promise<void> {
    return this.#call('retire', signal, (each) => this.driver.retire(volume, each));
  }

  async purge(volume: Pick<Volume, 'id'>, signal: AbortSignal): Promise<void> {
    return this.#call('purge', signal, (each) => this.driver.purge(volume, each));
  }

  async restore(volume: Volume, signal: AbortSignal): Promise<void> {
    return this.#call('restore', signal, (each) => this.driver.restore(volume, each));
  }

  async volumes(signal: AbortSignal): Promise<readonly StoredVolume[]> {
    return this.#call('volumes', signal, (each) => this.driver.volumes(each));
  }

  async record(id: string, signal: AbortSignal): Promise<VolumeRecord | null> {
    return this.#call('record', signal, (each) => this.driver.record(id, each));
  }

  async numbers(signal: AbortSignal): Promise<ReadonlySet<number>> {
    return this.#call('numbers', signal, (each) => this.driver.numbers(each));
  }

  async room(signal: AbortSignal): Promise<Room | null> {
    return this.#call('room', signal, (each) => this.driver.room(each));
  }

  /** A call of a driver that ignores its signal is left behind: the backend's revision guards the list. */
  async #call<Result>(
    method: keyof typeof LONGEST,
    signal: AbortSignal,
    call: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const { clock, metrics, backend } = this;
    const begun = clock.monotonic();
    const longest = LONGEST[method];
    const late = () => new Error(`the driver's ${method} took longer than ${(longest ?? 0) / 1_000} s`);
    let failed = true;
    try {
      const result = await withDeadline(call, longest, late, clock, signal);
      failed = false;
      return result;
    } finally {
      metrics.driverCalled(backend, method, failed, (clock.monotonic() - begun) / 1_000);
    }
  }
}
