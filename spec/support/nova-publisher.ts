import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib';
import type { MadeMessage } from './made-messages';

/** Where notifications are published. */
export interface NovaTopics {
  readonly exchange: string;
  readonly topics: { readonly versioned: string; readonly legacy: string };
}

/** Publishes notifications as Nova does: persistent, and each packet at once. */
export class NovaPublisher {
  #isOpen = true;

  private constructor(
    private readonly model: ChannelModel,
    private readonly channel: ConfirmChannel,
    private readonly where: NovaTopics,
  ) {
    model.on('close', () => {
      this.#isOpen = false;
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** @throws Error when the broker does not answer */
  static async connect(url: string, where: NovaTopics): Promise<NovaPublisher> {
    const model = await connect(url, { noDelay: true, timeout: 5_000 });
    model.on('error', () => undefined);
    const channel = await model.createConfirmChannel();
    channel.on('error', () => undefined);
    return new NovaPublisher(model, channel, where);
  }

  /** Resolves when the broker has it. */
  async publish(message: MadeMessage): Promise<void> {
    this.send(message);
    await this.sent();
  }

  /** As `publish`, without waiting. */
  send({ format, body }: MadeMessage): void {
    const properties = { contentType: 'application/json', contentEncoding: 'utf-8', persistent: true };
    this.channel.publish(this.where.exchange, `${this.where.topics[format]}.info`, body, properties);
  }

  /** Resolves when the broker has all of them. */
  async sent(): Promise<void> {
    await this.channel.waitForConfirms();
  }

  async close(): Promise<void> {
    await this.model.close();
  }
}
