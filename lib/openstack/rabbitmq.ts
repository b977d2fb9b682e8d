import { IllegalOperationError } from 'amqplib';
import type { Clock } from '../ports/clock';
import type { MessageBus, NotificationSink } from '../ports/cloud';
import type { Logger } from '../ports/host';
import { BusConnection } from './amqp-connection';
import { type AmqpUrl, displayAmqpUrls } from './amqp-url';
import { FIRST_BUS_PAUSE_MILLISECONDS, growingPause } from './bus-pauses';
import { type NotificationFormats, routingKeys, type Topics } from './bus-queues';
import { type BusMetrics, BusStatus } from './bus-status';
import { DeadLetterQueue } from './dead-letter-queue';
import { consume, type Session } from './session';
import { Tally } from './tally';
import { patientAfter, within } from './within';

export type { BusMetrics } from './bus-status';

/** Where notifications come from. */
export interface RabbitMqOptions {
  /** The brokers of one cluster, tried in turn (`parseAmqpUrls`). */
  readonly urls: readonly AmqpUrl[];
  /** Those that Nova sends to, `control_exchange` in its configuration. */
  readonly exchanges: readonly string[];
  readonly topics: Topics;
  readonly notifications: NotificationFormats;
  /** Our own queue. All processes of a deployment share it, and no other deployment does. */
  readonly queue: string;
}

/** How long the batch under way may take at the end. */
const STOPPING_MILLISECONDS = 5_000;
const CLOSING_MILLISECONDS = 2_000;

/** A channel that lasted so long was no failed attempt. */
const LASTING_MILLISECONDS = 30_000;

/**
 * Nova's notifications from RabbitMQ. A queue of our own is bound beside the queues of others, who get every message as before.
 * Messages are read as they come, stored in batches, and acknowledged after the commit; what cannot be read is described in
 * a dead-letter queue. Nothing of a body is kept or logged: one can hold a user's token (docs/decisions/0007-amqp-client.md).
 */
export class RabbitMq implements MessageBus {
  readonly #status: BusStatus;
  readonly #deadLetters: DeadLetterQueue;
  readonly #tally: Tally;

  constructor(
    private readonly options: RabbitMqOptions,
    private readonly clock: Clock,
    private readonly logger: Pick<Logger, 'info' | 'warn'>,
    metrics: BusMetrics,
    private readonly random: () => number = Math.random,
  ) {
    this.#status = new BusStatus(displayAmqpUrls(options.urls), options.queue, logger, metrics);
    this.#deadLetters = new DeadLetterQueue(options.urls, options.queue, clock, logger);
    this.#tally = new Tally(logger, metrics);
  }

  get status(): MessageBus['status'] {
    return this.#status.current;
  }

  async run(sink: NotificationSink, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const connection = await BusConnection.open(this.options.urls, (error) => this.#status.lost(error));
      await this.#consumeOver(connection, this.#session(sink), signal);
      await within(CLOSING_MILLISECONDS, this.clock, connection.close());
    }
    this.#status.stopped();
    await this.#deadLetters.close();
  }

  /** Resolves after the abort, and when the connection turns out to be closed without amqplib having noticed. */
  async #consumeOver(connection: BusConnection, session: Session, signal: AbortSignal): Promise<void> {
    const pause = growingPause(FIRST_BUS_PAUSE_MILLISECONDS, this.random);
    for (let failures = 0; ; failures += 1) {
      const model = await connection.opened(signal);
      if (!model) return;
      const since = this.clock.monotonic();
      const consumed = consume(model, session, signal).catch((reason: unknown) => reason);
      const error: unknown = await patientAfter(signal, STOPPING_MILLISECONDS, this.clock, consumed);
      // Where the connection is lost amqplib has said why, and connects again after a pause of its own.
      if (signal.aborted || !connection.isOpen(model)) continue;
      this.#status.lost(error);
      if (this.clock.monotonic() - since > LASTING_MILLISECONDS) failures = 0;
      await this.clock.sleep(pause(failures), signal);
      if (error instanceof IllegalOperationError && connection.isOpen(model)) return;
    }
  }

  #session(sink: NotificationSink): Session {
    const { queue, exchanges, topics, notifications } = this.options;
    const { clock, logger, random } = this;
    const wanted = { queue, exchanges, ...routingKeys(topics, notifications) };
    return {
      sink,
      wanted,
      status: this.#status,
      deadLetters: this.#deadLetters,
      tally: this.#tally,
      clock,
      logger,
      random,
    };
  }
}
