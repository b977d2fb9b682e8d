import type { Channel, ConsumeMessage, Message } from 'amqplib';
import { errorCode } from '../error-code';
import type { Clock } from '../ports/clock';
import type { NotificationSink } from '../ports/cloud';
import type { Logger } from '../ports/host';
import { type Batch, Batches } from './batch';
import { FIRST_STORE_PAUSE_MILLISECONDS, growingPause } from './bus-pauses';
import type { DeadLetter } from './dead-letter';
import type { DeadLetterQueue } from './dead-letter-queue';
import { readDelivery } from './delivery';
import { type Refused, storeAll } from './store-batch';
import type { Tally } from './tally';

/** So many observations in one batch, and the next one waits a few milliseconds for more. */
const BUSY_OBSERVATIONS = 4;

const NOTHING = Buffer.alloc(0);

/** What takes the messages of all channels that follow one another. */
export interface Takers {
  readonly sink: NotificationSink;
  readonly deadLetters: Pick<DeadLetterQueue, 'publish'>;
  readonly tally: Tally;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  readonly random: () => number;
}

/** Takes the messages of one channel: reads each as it comes, stores them in batches, and acknowledges what is committed. */
export class Consumption {
  readonly #batches = new Batches<Message>();
  #wake: (() => void) | null = null;

  constructor(
    private readonly channel: Pick<Channel, 'ack'>,
    private readonly takers: Takers,
  ) {}

  /** A message has come. Its body is not kept. */
  take({ content, fields, properties }: ConsumeMessage): void {
    const { clock, tally } = this.takers;
    const taken = readDelivery(content, fields.routingKey, clock.now());
    tally.arrived(taken);
    this.#batches.add(taken, { content: NOTHING, fields, properties }, clock.monotonic());
    if (this.#wake) setImmediate(this.#wake); // after the others that came in the same packet
    this.#wake = null;
  }

  /** Stores what comes, one batch after the other, until the abort; ends after the batch under way. */
  async work(signal: AbortSignal): Promise<void> {
    const { clock } = this.takers;
    signal.addEventListener('abort', () => this.#wake?.(), { once: true });
    for (let isBusy = false; ; ) {
      if (this.#batches.isEmpty) await this.#arrival(signal);
      const gathering = isBusy ? this.#batches.gatheringTime(clock.monotonic()) : 0;
      if (gathering > 0) await clock.sleep(gathering, signal);
      const batch = signal.aborted ? null : this.#batches.take();
      if (!batch || !(await this.#settle(batch, signal))) return;
      isBusy = batch.observed.length >= BUSY_OBSERVATIONS;
    }
  }

  async #arrival(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else this.#wake = resolve;
    });
  }

  /** @returns false when it was given up, so that the broker delivers it again */
  async #settle(batch: Batch<Message>, signal: AbortSignal): Promise<boolean> {
    const { deadLetters, tally } = this.takers;
    const refused = await this.#store(batch, signal);
    if (!refused) return false;
    const letters = [...batch.letters, ...refused.map((each) => this.#refusal(each))];
    tally.stored(batch.observed.length - refused.length);
    tally.setAside(letters);
    await deadLetters.publish(letters);
    this.#acknowledge(batch.upTo);
    return true;
  }

  async #store({ observed }: Batch<Message>, signal: AbortSignal): Promise<readonly Refused[] | null> {
    const { sink, clock, logger, random } = this.takers;
    const pause = growingPause(FIRST_STORE_PAUSE_MILLISECONDS, random);
    let hasFailed = false;
    const refused = await storeAll(sink, observed, async (failures, { message: reason }) => {
      if (!hasFailed)
        logger.warn({ reason }, 'notifications cannot be stored now: they stay on the bus, and are tried again');
      hasFailed = true;
      await clock.sleep(pause(failures), signal);
      return !signal.aborted;
    });
    if (!hasFailed || !refused) return refused;
    logger.info({}, 'notifications are stored again');
    sink.begun(); // a queue that was not emptied has dropped what was too old or too much
    return refused;
  }

  #refusal({ facts, error }: Refused): DeadLetter {
    const code = errorCode(error);
    return {
      ...facts,
      kind: 'not-storable',
      reason: `cannot be stored${code && ` (${code})`}`,
      time: this.takers.clock.now(),
    };
  }

  /** A channel that has closed meanwhile takes none: the broker delivers them again. */
  #acknowledge(upTo: Message): void {
    try {
      this.channel.ack(upTo, true);
    } catch {
      // whoever waits for the channel's end is told of it
    }
  }
}
