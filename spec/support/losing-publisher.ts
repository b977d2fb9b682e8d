import { setTimeout as wait } from 'node:timers/promises';
import { connect } from 'amqplib';
import type { MadeMessage } from './made-messages';
import { NovaPublisher, type NovaTopics } from './nova-publisher';

const AGAIN_MILLISECONDS = 100;

/**
 * Publishes as Nova does over a broker that comes and goes: declares its exchange, which does not outlive the broker, whenever it
 * connects. What is to be published while there is no broker is lost.
 */
export class LosingPublisher {
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #publisher: NovaPublisher | null = null;
  /** Messages that the broker did not get. */
  lost = 0;

  constructor(
    private readonly url: string,
    private readonly where: NovaTopics,
  ) {
    this.#running = this.#keepConnected();
  }

  /** Resolves when the broker has it, or it is lost. */
  async publish(message: MadeMessage): Promise<void> {
    const publisher = this.#publisher;
    try {
      if (!publisher) throw new Error('there is no broker');
      await publisher.publish(message);
    } catch {
      this.lost += 1;
    }
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#publisher?.close().catch(() => undefined);
  }

  async #keepConnected(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      if (!this.#publisher?.isOpen) this.#publisher = await this.#connect().catch(() => null);
      await wait(AGAIN_MILLISECONDS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #connect(): Promise<NovaPublisher> {
    const model = await connect(this.url, { timeout: 1_000 });
    model.on('error', () => undefined);
    const channel = await model.createChannel();
    await channel.assertExchange(this.where.exchange, 'topic', { durable: false });
    await model.close();
    return NovaPublisher.connect(this.url, this.where);
  }
}
