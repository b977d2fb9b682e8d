import { resyncVerdict } from '../domain/resync-verdict';
import type { Clock } from '../ports/clock';
import type { ComputeApi } from '../ports/cloud';
import type { InstanceStore, Listing, ResyncRecord, ResyncStore } from '../ports/directory-store';
import type { Logger } from '../ports/host';
import type { Metrics } from '../ports/metrics';
import { retryDelay } from './backoff';
import { WakeUp } from './wake-up';

/** How often and how far. */
export interface ResyncOptions {
  readonly intervalMilliseconds: number;
  /** Of the live instances that may be missing without an alarm, 0 to 1. */
  readonly largestShare: number;
}

/** Observations stored in one transaction: requests that write wait for it. */
const AT_ONCE = 250;
/** Until it is looked whether another process' resync has ended. */
const ELSEWHERE_MILLISECONDS = 1_000;
/** Between two of them, however often the bus comes and goes. */
const PAUSE_MILLISECONDS = 5_000;
/** The interval varies by a tenth, so that several clouds' do not meet. */
const JITTER = 0.1;

/**
 * Compares the directory with Compute's list of all instances: at the start, every so often, and after the bus was away.
 * It repairs whatever was missed (docs/architecture.md, "The instance directory").
 */
export class Resync {
  readonly #wakeUp: WakeUp;
  #neededSince: Date;
  #failures = 0;
  /** What the last one came to. */
  #said = '';

  constructor(
    private readonly store: ResyncStore,
    private readonly instances: Pick<InstanceStore, 'apply'>,
    private readonly compute: Pick<ComputeApi, 'list'>,
    private readonly options: ResyncOptions,
    private readonly clock: Clock,
    private readonly random: () => number,
    private readonly logger: Logger,
    private readonly metrics: Metrics,
  ) {
    this.#wakeUp = new WakeUp(clock);
    this.#neededSince = clock.now();
  }

  /** Something may have been missed until now: one that begins later is needed, in whatever process. */
  request(): void {
    this.#neededSince = this.clock.now();
    this.#failures = 0;
    this.#wakeUp.call();
  }

  /** Keeps the directory in step until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#wakeUp.call(), { once: true });
    this.#neededSince = this.clock.now();
    while (!signal.aborted) {
      const wait = await this.#runIfNeeded(signal).catch((error: unknown) => {
        this.logger.debug({ err: error }, 'resync postponed');
        return this.#backOff();
      });
      if (!signal.aborted) await this.#wakeUp.wait(wait);
    }
  }

  /** @returns how long to leave it, milliseconds */
  async #runIfNeeded(signal: AbortSignal): Promise<number> {
    const wait = this.#untilDue(await this.store.last());
    if (wait > 0) return wait;
    const record = await this.store.alone((listing) => this.#compare(listing, signal));
    if (record === null) return ELSEWHERE_MILLISECONDS;
    if (signal.aborted) return 0;
    this.#tell(record);
    return record.outcome === 'failed' ? this.#backOff() : this.#untilDue(record);
  }

  #untilDue(last: ResyncRecord | null): number {
    // a failed one of ours is tried again after its back-off, which has been waited for
    if (last === null || last.outcome === 'failed') return 0;
    const { intervalMilliseconds } = this.options;
    const jitter = 1 + JITTER * (2 * this.random() - 1);
    const isNeeded = last.begun < this.#neededSince;
    const pause = isNeeded ? Math.min(PAUSE_MILLISECONDS, intervalMilliseconds) : intervalMilliseconds * jitter;
    return Math.max(0, last.begun.getTime() + pause - this.clock.now().getTime());
  }

  #backOff(): number {
    this.#failures += 1;
    return Math.min(this.options.intervalMilliseconds, retryDelay(this.#failures - 1, this.random));
  }

  async #compare(listing: Listing, signal: AbortSignal): Promise<ResyncRecord> {
    const begun = this.clock.now();
    let instances = 0;
    try {
      let complete = true;
      for await (const page of this.compute.list(signal)) {
        await listing.add(page.instanceIds);
        for (let from = 0; from < page.observations.length; from += AT_ONCE)
          await this.instances.apply(page.observations.slice(from, from + AT_ONCE));
        instances += page.instanceIds.length;
        complete &&= page.complete;
        signal.throwIfAborted();
      }
      const record = { begun, instances, ...(await this.#conclude(listing, begun, { instances, complete })) };
      await listing.record(record);
      return record;
    } catch (error) {
      const record: ResyncRecord = {
        begun,
        ended: this.clock.now(),
        outcome: 'failed',
        message: error instanceof Error ? error.message : String(error),
        instances,
        missing: 0,
      };
      if (!signal.aborted) await listing.record(record);
      return record;
    }
  }

  async #conclude(
    listing: Listing,
    begun: Date,
    found: { readonly instances: number; readonly complete: boolean },
  ): Promise<Omit<ResyncRecord, 'begun' | 'instances'>> {
    const { missing, live } = await listing.missing(begun);
    const { kind: outcome, message } = resyncVerdict({ ...found, missing, live }, this.options.largestShare);
    // absence proves nothing; a confirmed deletion is never held back
    await listing.askAboutMissing(begun);
    return { ended: this.clock.now(), outcome, message, missing };
  }

  #tell(record: ResyncRecord): void {
    const { outcome, message, instances, missing, begun, ended } = record;
    const seconds = (ended.getTime() - begun.getTime()) / 1_000;
    const facts = { outcome, reason: message, instances, missing, seconds };
    this.metrics.resyncFinished(outcome, seconds);
    if (outcome !== 'failed') {
      this.#failures = 0;
      this.metrics.resyncBraked(outcome === 'braked');
    }
    // a condition is said once; how much is missing changes with each answer
    const said = outcome === 'braked' ? outcome : `${outcome} ${message}`;
    if (outcome === 'complete') this.logger.info(facts, 'resync ended');
    else if (said === this.#said) this.logger.debug(facts, 'resync as before');
    else if (outcome === 'braked')
      this.logger.error(facts, 'resync misses suspiciously many instances: Compute is asked about each');
    else this.logger.warn(facts, 'resync did not see everything');
    this.#said = said;
  }
}
