import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type ChannelModel, type ConfirmChannel, connect, type Options } from 'amqplib';
import { parseAmqpUrls } from '../../../lib/openstack/amqp-url';
import { enveloped } from '../../support/bus-messages';

/** The broker that these specs use. One that does not answer is a failure of them. */
export const AMQP_URL = process.env.AMQP_URL ?? 'amqp://guest:guest@127.0.0.1:5672';

/** A description as it stands in the dead-letter queue. */
export interface DeadLetterFound {
  readonly kind: string;
  readonly [key: string]: unknown;
}

const DESCRIBED_MILLISECONDS = 10_000;

/** The broker as Nova and others use it, with an exchange and queues of this run alone, which are deleted at the end. */
export class CloudBus {
  readonly exchange: string;
  readonly queue: string;
  readonly topics: { readonly versioned: string; readonly legacy: string };
  readonly #others = new Set<string>();

  private constructor(
    readonly model: ChannelModel,
    private channel: ConfirmChannel,
  ) {
    const run = randomUUID();
    this.exchange = `spec-nova-${run}`;
    this.queue = `spec-ours-${run}`;
    this.topics = { versioned: `spec-versioned-${run}`, legacy: `spec-legacy-${run}` };
  }

  static async open(): Promise<CloudBus> {
    const model = await connect(AMQP_URL, { timeout: 5_000 });
    model.on('error', () => undefined);
    return new CloudBus(model, await model.createConfirmChannel());
  }

  get host(): string {
    return parseAmqpUrls(AMQP_URL)[0]?.hostname ?? '';
  }

  get port(): number {
    return parseAmqpUrls(AMQP_URL)[0]?.port ?? 0;
  }

  get deadLetterQueue(): string {
    return `${this.queue}.dead-letters`;
  }

  /** What Nova does when it first sends a notification; it makes its exchange durable where it is told to. */
  async declareExchange(durable = false): Promise<void> {
    await this.channel.assertExchange(this.exchange, 'topic', { durable, autoDelete: false });
  }

  /** Publishes a message in the envelope, or bytes as they are; resolves when the broker has it. */
  async publish(message: unknown, key = `${this.topics.versioned}.info`): Promise<void> {
    this.send(message, key);
    await this.channel.waitForConfirms();
  }

  /** As `publish`, without waiting. */
  send(message: unknown, key = `${this.topics.versioned}.info`): void {
    const properties: Options.Publish = { contentType: 'application/json', contentEncoding: 'utf-8', persistent: true };
    this.channel.publish(this.exchange, key, Buffer.isBuffer(message) ? message : enveloped(message), properties);
  }

  async sent(): Promise<void> {
    await this.channel.waitForConfirms();
  }

  /** A queue of somebody else, bound as Nova and Ceilometer bind theirs. */
  async queueOfOthers(key: string): Promise<string> {
    const { queue } = await this.channel.assertQueue(key, { durable: false });
    this.#others.add(queue);
    await this.channel.bindQueue(queue, this.exchange, key);
    return queue;
  }

  /** Over a channel of its own, which the broker closes when the answer is no. */
  async ask<Answer>(question: (channel: ConfirmChannel) => Promise<Answer>): Promise<Answer> {
    const channel = await this.model.createConfirmChannel();
    let isOpen = true;
    channel.on('error', () => undefined).on('close', () => (isOpen = false));
    try {
      return await question(channel);
    } finally {
      if (isOpen) await channel.close();
    }
  }

  /** Messages that wait in a queue, those not that are on their way to a consumer. @throws Error when there is none */
  async waiting(queue = this.queue): Promise<number> {
    return (await this.ask((channel) => channel.checkQueue(queue))).messageCount;
  }

  /**
   * Takes out what the dead-letter queue holds, when it has so many: the first makes it, a moment after it is counted.
   * @throws Error when that takes too long
   */
  async takeDeadLetters(count: number): Promise<readonly DeadLetterFound[]> {
    const letters: DeadLetterFound[] = [];
    for (const end = performance.now() + DESCRIBED_MILLISECONDS; letters.length < count; await delay(20)) {
      if (performance.now() > end) throw new Error(`${letters.length} of ${count} messages are described`);
      letters.push(...(await this.#lettersNow().catch(() => [])));
    }
    return letters;
  }

  async #lettersNow(): Promise<readonly DeadLetterFound[]> {
    return this.ask(async (channel) => {
      const letters: DeadLetterFound[] = [];
      for (;;) {
        const message = await channel.get(this.deadLetterQueue, { noAck: true });
        if (!message) return letters;
        letters.push(JSON.parse(message.content.toString()));
      }
    });
  }

  async close(): Promise<void> {
    for (const queue of [this.queue, this.deadLetterQueue, ...this.#others])
      await this.ask((channel) => channel.deleteQueue(queue));
    await this.ask((channel) => channel.deleteExchange(this.exchange));
    await this.model.close();
  }
}

/** Has the broker close connections, known by the ports that they come from. */
export async function closeConnections(ports: readonly number[]): Promise<void> {
  const control = (...words: readonly string[]) => promisify(execFile)('rabbitmqctl', ['--quiet', ...words]);
  const { stdout } = await control('list_connections', 'pid', 'peer_port');
  const lines = stdout.split('\n').map((line) => line.split('\t'));
  for (const [pid = '', port] of lines)
    if (ports.includes(Number(port))) await control('close_connection', pid, 'closed by a spec');
}
