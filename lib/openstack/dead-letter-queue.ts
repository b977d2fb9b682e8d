import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib';
import type { Clock } from '../ports/clock';
import type { Logger } from '../ports/host';
import { BrokersInTurn, SOCKET_OPTIONS } from './amqp-connection';
import type { AmqpUrl } from './amqp-url';
import { DEAD_LETTER_QUEUE, deadLetterQueueOf } from './bus-queues';
import { type DeadLetter, deadLetterBody } from './dead-letter';
import { within } from './within';

/** How long the messages behind wait for one to be described. */
const PATIENCE_MILLISECONDS = 2_000;
/** How long nothing is described after that failed. */
const REST_MILLISECONDS = 30_000;

/**
 * Takes descriptions of messages that could not be taken. It has a connection of its own, from the first of them on: a broker
 * that is short of memory or disk stops reading from those that publish, and acknowledgements would not reach it either.
 */
export class DeadLetterQueue {
  readonly #queue: string;
  readonly #brokers: BrokersInTurn;
  #model: ChannelModel | null = null;
  #channel: ConfirmChannel | null = null;
  #restsUntil = Number.NEGATIVE_INFINITY;
  #failing = false;

  constructor(
    urls: readonly AmqpUrl[],
    queue: string,
    private readonly clock: Clock,
    private readonly logger: Pick<Logger, 'info' | 'warn'>,
  ) {
    this.#queue = deadLetterQueueOf(queue);
    this.#brokers = new BrokersInTurn(urls);
  }

  /** Publishes them if that can be done soon. Never throws: what cannot be described is lost, and the log says so once. */
  async publish(letters: readonly DeadLetter[]): Promise<void> {
    if (letters.length === 0 || this.clock.monotonic() < this.#restsUntil) return;
    try {
      if (!(await within(PATIENCE_MILLISECONDS, this.clock, this.#send(letters))))
        throw new Error(`the broker has not confirmed them within ${PATIENCE_MILLISECONDS} ms`);
      if (this.#failing) this.logger.info({ queue: this.#queue }, 'unreadable messages are described again');
      this.#failing = false;
    } catch (error) {
      this.#restsUntil = this.clock.monotonic() + REST_MILLISECONDS;
      this.#brokers.next();
      if (!this.#failing)
        this.logger.warn(
          { queue: this.#queue, err: error },
          'unreadable messages cannot be described: they are only counted',
        );
      this.#failing = true;
      this.#forget();
    }
  }

  async close(): Promise<void> {
    await within(PATIENCE_MILLISECONDS, this.clock, this.#model?.close() ?? Promise.resolve()).catch(() => undefined);
    this.#forget();
  }

  async #send(letters: readonly DeadLetter[]): Promise<void> {
    const channel = this.#channel ?? (await this.#open());
    const properties = { persistent: true, contentType: 'application/json' };
    for (const letter of letters) channel.sendToQueue(this.#queue, deadLetterBody(letter), properties);
    await channel.waitForConfirms();
  }

  async #open(): Promise<ConfirmChannel> {
    const model = await connect(this.#brokers, SOCKET_OPTIONS);
    model.on('error', () => undefined).on('close', () => this.#forget(model));
    this.#model = model;
    const channel = await model.createConfirmChannel();
    channel.on('error', () => undefined).on('close', () => this.#forget(model));
    await channel.assertQueue(this.#queue, DEAD_LETTER_QUEUE);
    this.#channel = channel;
    return channel;
  }

  /** The next one is published over a new connection. */
  #forget(model = this.#model): void {
    if (!model || model !== this.#model) return;
    this.#model = null;
    this.#channel = null;
    model.close().catch(() => undefined);
  }
}
