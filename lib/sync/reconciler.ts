import type { BackendStore } from '../ports/backend-store';
import type { Clock } from '../ports/clock';
import type { Logger } from '../ports/host';
import type { Metrics } from '../ports/metrics';
import type { Claim, ClaimKind, WorkQueue } from '../ports/work-store';
import type { BackendHealth } from './backend-health';
import { HeldLeases } from './held-leases';
import { type Reconcile, Stopping } from './reconcile';
import { WakeUp } from './wake-up';

/** Short lists worked on at once, of one backend. */
const CONCURRENCY = 10;
/** How long a long list waits for short ones. */
const LONGEST_HOLD_MILLISECONDS = 250;
/** What a lost notification leaves behind is found after so long. */
const POLL_MILLISECONDS = 5_000;
/** Until a row is looked at again that another process was about to claim. */
const HELD_ELSEWHERE_MILLISECONDS = 50;
/** Between checks of a backend that is not up. */
const RECOVERY_MILLISECONDS = 2_000;
/** How long a run may go on at shutdown. */
const GRACE_MILLISECONDS = 5_000;

/** The loop that keeps one backend's filesystems as they should be: claims what is due, and runs it. */
export class Reconciler {
  readonly #wakeUp: WakeUp;
  readonly #leases: HeldLeases;
  readonly #runs = new Map<Promise<void>, ClaimKind>();
  readonly #ended = new AbortController();
  #stopping = false;
  #databaseFailed = false;
  /** Of `Clock.monotonic`: since when there has always been a short list in work. */
  #shortSince = 0;

  constructor(
    private readonly work: WorkQueue,
    private readonly backends: BackendStore,
    private readonly health: BackendHealth,
    private readonly reconcile: Pick<Reconcile, 'run'>,
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly metrics: Metrics,
  ) {
    this.#wakeUp = new WakeUp(clock);
    this.#leases = new HeldLeases(work, clock);
  }

  /** Something may have become due. */
  wake(): void {
    this.#wakeUp.call();
  }

  /** Works until the signal aborts; runs that are under way then get a moment to end, and their claims are given back. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = () => {
      this.#stopping = true;
      this.wake();
    };
    if (signal.aborted) return;
    signal.addEventListener('abort', stop, { once: true });
    const sides = [this.#leases.keep(this.#ended.signal), this.#watch(signal)];
    while (!this.#stopping) await this.#wakeUp.wait(await this.#claimAndStart());
    await this.#drain();
    this.#ended.abort();
    await Promise.all(sides);
  }

  /** @returns how long there is nothing to do, milliseconds */
  async #claimAndStart(): Promise<number> {
    if (!this.health.mayClaim) return POLL_MILLISECONDS;
    try {
      const isClaimed = await this.#claim({ ...this.#free(), long: 0 });
      // long lists apart: short ones that are due in the same moment go before them
      const second = { ...this.#free(), short: 0 };
      const isLongClaimed = second.long > 0 && (await this.#claim(second));
      this.#databaseFailed = false;
      // whoever ends looks again
      return isClaimed || isLongClaimed ? POLL_MILLISECONDS : await this.#untilDue();
    } catch (error) {
      if (!this.#databaseFailed)
        this.logger.error({ err: error, backend: this.health.served.name }, 'cannot claim work');
      this.#databaseFailed = true;
      return RECOVERY_MILLISECONDS;
    }
  }

  /** @returns whether there was any */
  async #claim(limits: Readonly<Record<ClaimKind, number>>): Promise<boolean> {
    const since = this.clock.monotonic();
    const claims = await this.work.claim(this.health.served, limits);
    for (const claim of claims) this.#start(claim, since);
    return claims.length > 0;
  }

  /**
   * How many of each kind may be started. A long list waits for the short ones, which are many and quick: computing it would
   * hold them all up. Not for ever: in a storm there is always a short one.
   */
  #free(): Record<ClaimKind, number> {
    const short = this.#running('short');
    const mayStartLong = short === 0 || this.clock.monotonic() >= this.#shortSince + LONGEST_HOLD_MILLISECONDS;
    return {
      short: CONCURRENCY - short,
      long: mayStartLong ? 1 - this.#running('long') : 0,
      purge: 1 - this.#running('purge'),
    };
  }

  async #untilDue(): Promise<number> {
    const free = this.#free();
    const kinds = (['short', 'long', 'purge'] as const).filter((kind) => free[kind] > 0);
    const due = await this.work.nextDue(this.health.served.name, kinds);
    if (due === null) return POLL_MILLISECONDS;
    const milliseconds = due.getTime() - this.clock.now().getTime();
    // one that is due and was not claimed is another process's in this moment
    return milliseconds <= 0 ? HELD_ELSEWHERE_MILLISECONDS : Math.min(POLL_MILLISECONDS, milliseconds);
  }

  #running(kind: ClaimKind): number {
    return [...this.#runs.values()].filter((each) => each === kind).length;
  }

  #start(claim: Claim, since: number): void {
    if (claim.kind === 'short' && this.#running('short') === 0) this.#shortSince = this.clock.monotonic();
    const run = this.#runOne(claim, this.#leases.take(claim, since)).finally(() => {
      this.#leases.drop(claim);
      this.#runs.delete(run);
      // not after each of many: a claim costs as much as a short run
      if (this.#running('short') <= CONCURRENCY / 2) this.wake();
    });
    this.#runs.set(run, claim.kind);
  }

  async #runOne(claim: Claim, signal: AbortSignal): Promise<void> {
    const begun = this.clock.monotonic();
    try {
      const outcome = await this.reconcile.run(claim, signal);
      this.metrics.runFinished(claim.backend, outcome, (this.clock.monotonic() - begun) / 1_000);
    } catch (error) {
      // the lease runs out, and somebody does it again
      this.logger.error({ err: error, backend: claim.backend, id: claim.filesystemId }, 'run given up');
    }
  }

  /** Beside the claims: brings the backend up, finds what nobody told of. */
  async #watch(signal: AbortSignal): Promise<void> {
    let polled = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      try {
        if (this.health.mayRecover) await this.#recover(signal);
        if (this.clock.monotonic() >= polled + POLL_MILLISECONDS) {
          polled = this.clock.monotonic();
          await this.#poll(signal);
        }
      } catch (error) {
        if (!signal.aborted) this.logger.debug({ err: error, backend: this.health.served.name }, 'poll failed');
      }
      await this.clock.sleep(RECOVERY_MILLISECONDS, signal);
    }
  }

  async #recover(signal: AbortSignal): Promise<void> {
    const before = this.health.status.state;
    await this.health.verify(signal);
    const { state } = this.health.status;
    if (state === before) return;
    if (state === 'up') await this.work.wake(this.health.served.name, 'all');
    this.wake();
  }

  async #poll(signal: AbortSignal): Promise<void> {
    const { name } = this.health.served;
    await this.health.beat();
    const released = await this.work.releaseDead([name]);
    if (released > 0) this.logger.info({ backend: name, released }, 'took over from a process that has ended');
    // a row that was parked in the moment in which the backend came back
    if (this.health.status.state === 'up') await this.work.wake(name, 'parked');
    while (!signal.aborted && (await this.backends.rebump(name))) this.wake();
    const { due, oldest } = await this.work.lag(name);
    this.metrics.lag(name, due, oldest ? Math.max(0, (this.clock.now().getTime() - oldest.getTime()) / 1_000) : 0);
    this.wake();
  }

  async #drain(): Promise<void> {
    const over = new AbortController();
    const end = async () => {
      await this.clock.sleep(GRACE_MILLISECONDS, over.signal);
      if (!over.signal.aborted) this.#leases.abortAll(new Stopping('the process ends'));
    };
    const ending = end();
    await Promise.all(this.#runs.keys());
    over.abort();
    await ending;
  }
}
