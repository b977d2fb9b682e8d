import type { Clock } from '../ports/clock';
import { type Claim, LEASE_MILLISECONDS, type WorkQueue } from '../ports/work-store';

const RENEW_MILLISECONDS = 3_000;
const TICK_MILLISECONDS = 500;

/** Why a run is aborted: somebody else may work on the filesystem now. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

interface Held {
  readonly claim: Claim;
  readonly run: AbortController;
  /** Of `Clock.monotonic`. */
  until: number;
}

/**
 * The leases that this process holds (docs/architecture.md, rule 5): renewed together, and given up by its own clock when
 * Postgres cannot be asked in time.
 */
export class HeldLeases {
  readonly #held = new Map<string, Held>();

  constructor(
    private readonly work: Pick<WorkQueue, 'renew'>,
    private readonly clock: Clock,
  ) {}

  get size(): number {
    return this.#held.size;
  }

  /**
   * @param since `Clock.monotonic` from before the claim
   * @returns aborts with `LeaseLost` when the lease is lost, and with `abortAll`'s reason
   */
  take(claim: Claim, since: number): AbortSignal {
    const run = new AbortController();
    this.#held.set(claim.filesystemId, { claim, run, until: since + LEASE_MILLISECONDS });
    return run.signal;
  }

  /** The run has ended. */
  drop({ filesystemId }: Claim): void {
    this.#held.delete(filesystemId);
  }

  /** Ends all runs. */
  abortAll(reason: Error): void {
    for (const { run } of this.#held.values()) run.abort(reason);
  }

  /** Keeps the leases until the signal aborts. */
  async keep(signal: AbortSignal): Promise<void> {
    let renewal: Promise<void> | null = null;
    let renewed = this.clock.monotonic();
    while (!signal.aborted) {
      await this.clock.sleep(TICK_MILLISECONDS, signal);
      this.#expire();
      if (renewal || this.#held.size === 0 || this.clock.monotonic() < renewed + RENEW_MILLISECONDS) continue;
      renewed = this.clock.monotonic();
      // not awaited: a database that does not answer must not hold up the expiry
      renewal = this.#renew()
        .catch(() => undefined)
        .finally(() => {
          renewal = null;
        });
    }
  }

  async #renew(): Promise<void> {
    const asked = [...this.#held.values()];
    const since = this.clock.monotonic();
    const renewed = await this.work.renew(asked.map(({ claim }) => claim));
    for (const held of asked) {
      if (renewed.has(held.claim.filesystemId)) held.until = since + LEASE_MILLISECONDS;
      else this.#lose(held);
    }
  }

  #expire(): void {
    const now = this.clock.monotonic();
    for (const held of this.#held.values()) if (held.until <= now) this.#lose(held);
  }

  #lose(held: Held): void {
    // it may have ended meanwhile, and been claimed again
    if (this.#held.get(held.claim.filesystemId) === held) held.run.abort(new LeaseLost('the lease was lost'));
  }
}
