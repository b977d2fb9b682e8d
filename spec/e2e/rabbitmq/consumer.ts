import { setTimeout as delay } from 'node:timers/promises';
import type { Observation } from '../../../lib/domain/instance';
import { parseAmqpUrls } from '../../../lib/openstack/amqp-url';
import { RabbitMq, type RabbitMqOptions } from '../../../lib/openstack/rabbitmq';
import { DatabaseClock } from '../../../lib/store/clock';
import type { CloudBus } from './cloud-bus';

/** Waits until it holds. */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  milliseconds = 15_000,
): Promise<void> {
  for (const end = performance.now() + milliseconds; !(await holds()); await delay(10))
    if (performance.now() > end) throw new Error(`not within ${milliseconds} ms: ${what}`);
}

/** Our side of the bus, with a sink that a spec can look into. */
export class Consumer {
  readonly stored: string[] = [];
  readonly logged: { readonly level: string; readonly facts: object; readonly message: string }[] = [];
  readonly counted = new Map<string, number>();
  readonly connected: boolean[] = [];
  begun = 0;
  calls = 0;
  /** What `store` does before it stores. */
  before: (observations: readonly Observation[]) => Promise<void> = async () => undefined;

  readonly bus: RabbitMq;
  readonly #stop = new AbortController();
  readonly ended: Promise<void>;

  constructor(cloud: CloudBus, url: string, options: Partial<RabbitMqOptions> = {}) {
    const { exchange, topics, queue } = cloud;
    const log = (level: string) => (facts: object, message: string) => void this.logged.push({ level, facts, message });
    this.bus = new RabbitMq(
      { urls: parseAmqpUrls(url), exchanges: [exchange], topics, queue, notifications: 'both', ...options },
      new DatabaseClock(),
      { info: log('info'), warn: log('warn') },
      {
        busConnected: (connected) => this.connected.push(connected),
        messageTaken: (outcome, kind) => {
          const word = `${outcome} ${kind}`.trim();
          this.counted.set(word, (this.counted.get(word) ?? 0) + 1);
        },
      },
    );
    const sink = {
      store: async (observations: readonly Observation[]) => {
        this.calls += 1;
        await this.before(observations);
        this.stored.push(...observations.map(({ instanceId }) => instanceId));
      },
      begun: () => {
        this.begun += 1;
      },
    };
    this.ended = this.bus.run(sink, this.#stop.signal);
  }

  /** Those that are stored, each once. */
  get ids(): ReadonlySet<string> {
    return new Set(this.stored);
  }

  lines(level: string): readonly string[] {
    return this.logged.filter((line) => line.level === level).map(({ message }) => message);
  }

  async connecting(): Promise<void> {
    await eventually('it is connected', () => this.bus.status.connected);
  }

  abort(): void {
    this.#stop.abort();
  }

  async stop(): Promise<void> {
    this.abort();
    await this.ended;
  }
}
