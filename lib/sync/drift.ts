import type { Clock } from '../ports/clock';
import type { DriftStore } from '../ports/drift-store';
import type { Driver } from '../ports/driver';
import type { Logger } from '../ports/host';
import type { Metrics } from '../ports/metrics';
import type { BackendHealth } from './backend-health';
import { DriftLook, type DriftMode } from './drift-look';
import { isSound } from './sound';
import { Turnstile } from './turnstile';
import { type Beginning, untilItMayBegin } from './until-it-may-begin';

/** A round is made of so many shares of the volumes, and waits between them: all are looked at within the interval. */
/** Volumes that are named in a line of the log. */
const MOST_TOLD = 5;
const SHARES = 50;
const PAUSES = 60;
const JITTER = 0.1;
/** The first round after a start takes a tenth of the time: what happened while nobody looked is found soon. */
const FIRST_ROUND = 0.1;
/** Volumes that are read at once. */
const AT_ONCE = 4;
/** Volumes that were worked on, and are looked at again with the next share; the others with the next round. */
const MOST_PASSED_OVER = 100;

/** How a backend is compared with what was last confirmed of it. */
export interface DriftOptions extends Beginning {
  readonly mode: DriftMode | 'off';
  /** In which every volume is looked at once, and behind which the first look begins in any case. */
  readonly intervalMilliseconds: number;
}

/**
 * Compares one backend's volumes with the access entries, a share at a time, for ever. Nothing is disturbed by it: a volume that
 * is worked on is passed over, and a difference counts only when nobody has worked on it while it was looked at.
 */
export class Drift {
  readonly #look: DriftLook;
  readonly #turnstile = new Turnstile(AT_ONCE);
  readonly #passedOver = new Set<string>();
  /** Null: a round begins. */
  #after: string | null = null;
  #share = 1;
  #isFirst = true;

  constructor(
    private readonly store: DriftStore,
    driver: Driver,
    private readonly health: Pick<BackendHealth, 'served' | 'status' | 'verify'>,
    private readonly options: DriftOptions,
    private readonly clock: Clock,
    private readonly random: () => number,
    private readonly logger: Logger,
    metrics: Metrics,
  ) {
    this.#look = new DriftLook(store, driver, health.served.name, options.mode === 'repair', logger, metrics);
  }

  /** Compares until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.options.mode === 'off') return;
    await untilItMayBegin(this.options, this.clock, signal);
    while (!signal.aborted) {
      const begun = this.clock.monotonic();
      try {
        if (await isSound(this.health, signal)) await this.#compareShare(signal);
      } catch (error) {
        if (!signal.aborted)
          this.logger.warn({ err: error, backend: this.health.served.name }, 'backend not compared for now');
      }
      // what a slow backend takes of the time is not waited for once more
      await this.clock.sleep(Math.max(0, this.#pause() - (this.clock.monotonic() - begun)), signal);
    }
  }

  #pause(): number {
    const jitter = 1 + JITTER * (2 * this.random() - 1);
    return (this.options.intervalMilliseconds / PAUSES) * jitter * (this.#isFirst ? FIRST_ROUND : 1);
  }

  async #compareShare(signal: AbortSignal): Promise<void> {
    const { name } = this.health.served;
    if (this.#after === null) this.#share = Math.max(1, Math.ceil((await this.store.count(name)) / SHARES));
    const share = await this.store.ids(name, this.#after, this.#share);
    const again = [...this.#passedOver];
    this.#passedOver.clear();
    const looked = [...again, ...share];
    const failures = await Promise.all(looked.map(async (id) => ({ id, error: await this.#compare(id, signal) })));
    const isRoundOver = share.length < this.#share;
    this.#after = isRoundOver ? null : (share.at(-1) ?? null);
    if (isRoundOver) this.#isFirst = false;
    const failed = failures.filter(({ error }) => error !== null);
    if (failed.length > 0 && !signal.aborted) {
      const ids = failed.slice(0, MOST_TOLD).map(({ id }) => id);
      this.logger.warn(
        { backend: name, volumes: failed.length, ids, err: failed[0]?.error },
        'volumes not compared for now',
      );
    }
  }

  /** @returns why it could not be compared; null: it could */
  async #compare(id: string, signal: AbortSignal): Promise<unknown> {
    return this.#turnstile.pass(async () => {
      try {
        const compared = await this.#look.at(id, signal);
        if (!compared && this.#passedOver.size < MOST_PASSED_OVER) this.#passedOver.add(id);
        return null;
      } catch (error) {
        return error;
      }
    });
  }
}
