import type { UsageStore } from '../ports/backend-store';
import type { Clock } from '../ports/clock';
import type { Driver } from '../ports/driver';
import type { Logger } from '../ports/host';
import type { BackendHealth } from './backend-health';
import { WakeUp } from './wake-up';

/** How old a count may be, by what it costs the backend. */
const LARGEST_AGE_MILLISECONDS = { live: 60_000, walk: 3_600_000, none: 3_600_000 } as const;
/** Volumes asked about at once: where the backend keeps count, all by one call of the driver. Walked ones go one at a time. */
const AT_ONCE = { live: 10_000, walk: 1, none: 10_000 } as const;
const POLL_MILLISECONDS = 10_000;

/** Keeps the `used` of one backend's filesystems: now and again, and at once when a request asks for it. */
export class Usage {
  readonly #wakeUp: WakeUp;

  constructor(
    private readonly store: UsageStore,
    private readonly driver: Driver,
    private readonly health: BackendHealth,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {
    this.#wakeUp = new WakeUp(clock);
  }

  /** Somebody may have asked. */
  wake(): void {
    this.#wakeUp.call();
  }

  /** Counts until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = () => this.wake();
    signal.addEventListener('abort', stop, { once: true });
    while (!signal.aborted) {
      let more = false;
      try {
        more = this.health.status.state === 'up' && (await this.#countSome(signal));
      } catch (error) {
        if (!signal.aborted) this.logger.warn({ err: error, backend: this.health.served.name }, 'usage not counted');
      }
      if (!more && !signal.aborted) await this.#wakeUp.wait(POLL_MILLISECONDS);
    }
  }

  /** @returns whether there may be more to count */
  async #countSome(signal: AbortSignal): Promise<boolean> {
    const kind = this.driver.capabilities.usage;
    const before = new Date(this.clock.now().getTime() - LARGEST_AGE_MILLISECONDS[kind]);
    const ids = await this.store.usageDue(this.health.served.name, before, AT_ONCE[kind]);
    if (ids.length === 0) return false;
    const counted = await this.driver.usage(
      ids.map((id) => ({ id })),
      signal,
    );
    await this.store.recordUsage(
      this.health.served.name,
      new Map(ids.map((id) => [id, counted.get(id) ?? null] as const)),
    );
    return true;
  }
}
