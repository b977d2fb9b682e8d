import { Unavailable } from '../domain/errors';
import type { QuestionReason } from '../domain/trust';
import type { Clock } from '../ports/clock';
import type { ComputeApi } from '../ports/cloud';
import type { Question, QuestionStore } from '../ports/directory-store';
import type { Logger } from '../ports/host';
import type { Metrics } from '../ports/metrics';
import { WakeUp } from './wake-up';

/** Questions under way at once, of one process. */
const CONCURRENCY = 12;
/** Of them, those about instances that a resync did not find: while a cell is down they are many, and slow. */
const MISSING_CONCURRENCY = 4;
/** What a lost notification leaves behind is found after so long. */
const POLL_MILLISECONDS = 5_000;
const FIRST_AGAIN_MILLISECONDS = 10_000;
const LONGEST_AGAIN_MILLISECONDS = 30_000;
const LONGEST_MISSING_AGAIN_MILLISECONDS = 300_000;

/** Asks Compute what is open about single instances, and stores its answers. */
export class Questions {
  readonly #wakeUp: WakeUp;
  readonly #asking = new Map<Promise<void>, QuestionReason>();

  constructor(
    private readonly store: QuestionStore,
    private readonly compute: Pick<ComputeApi, 'find'>,
    private readonly clock: Clock,
    private readonly random: () => number,
    private readonly nudge: () => void,
    private readonly logger: Logger,
    private readonly metrics: Metrics,
  ) {
    this.#wakeUp = new WakeUp(clock);
  }

  /** Something may have become open. */
  wake(): void {
    this.#wakeUp.call();
  }

  /** Asks until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.wake(), { once: true });
    while (!signal.aborted) await this.#wakeUp.wait(await this.#takeAndAsk(signal));
    await Promise.all(this.#asking.keys());
  }

  /** @returns how long there is nothing to do, milliseconds */
  async #takeAndAsk(signal: AbortSignal): Promise<number> {
    try {
      const missing = [...this.#asking.values()].filter((reason) => reason === 'missing').length;
      const free = CONCURRENCY - MISSING_CONCURRENCY - (this.#asking.size - missing);
      const taken = await this.store.take(Math.max(0, free), MISSING_CONCURRENCY - missing);
      for (const question of taken) this.#start(question, signal);
      // whoever ends looks again
      return this.#asking.size > 0 ? POLL_MILLISECONDS : await this.#untilDue();
    } catch (error) {
      this.logger.debug({ err: error }, 'questions to Compute postponed');
      return POLL_MILLISECONDS;
    }
  }

  async #untilDue(): Promise<number> {
    const due = await this.store.nextDue();
    if (due === null) return POLL_MILLISECONDS;
    return Math.min(POLL_MILLISECONDS, Math.max(0, due.getTime() - this.clock.now().getTime()));
  }

  #start(question: Question, signal: AbortSignal): void {
    const asking = this.#ask(question, signal)
      .catch((error: unknown) => {
        // its lease runs out, and somebody asks again
        if (!signal.aborted) this.logger.debug({ err: error, instance: question.instanceId }, 'answer not stored');
      })
      .finally(() => {
        this.#asking.delete(asking);
        this.wake();
      });
    this.#asking.set(asking, question.reason);
  }

  async #ask(question: Question, signal: AbortSignal): Promise<void> {
    const { instanceId: instance, reason, failures } = question;
    try {
      const observation = await this.compute.find(instance, signal);
      const concerned = await this.store.answer(question, observation);
      if (concerned.length > 0) this.nudge();
      this.metrics.questionAsked(reason, 'answered');
      this.logger.debug({ instance, reason, state: observation.state }, 'Compute answered about an instance');
    } catch (error) {
      if (signal.aborted || !(error instanceof Unavailable)) throw error;
      this.metrics.questionAsked(reason, 'unanswered');
      await this.store.postpone(question, this.#delay(reason, failures));
    }
  }

  /** 10 s, 20 s, and then 30 s, a quarter of it random; about what a resync did not find up to five minutes. */
  #delay(reason: QuestionReason, failures: number): number {
    const longest = reason === 'missing' ? LONGEST_MISSING_AGAIN_MILLISECONDS : LONGEST_AGAIN_MILLISECONDS;
    return Math.min(longest, FIRST_AGAIN_MILLISECONDS * (failures + 1)) * (0.75 + this.random() / 4);
  }
}
