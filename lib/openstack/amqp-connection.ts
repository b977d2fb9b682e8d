import { type ChannelModel, connect, type Options, type RecoveringChannelModel, type SocketOptions } from 'amqplib';
import type { AmqpUrl } from './amqp-url';

/** What every connection of ours is opened with. */
export const SOCKET_OPTIONS: SocketOptions = {
  noDelay: true,
  keepAlive: true,
  timeout: 10_000, // of connecting alone
  clientProperties: { connection_name: 'nova-shared-filesystem' },
};

/** A broker that says nothing for two to three of these is lost. */
const HEARTBEAT_SECONDS = 10;

/** Half of each delay and half more are random, so that processes do not all return at once. */
const RECOVERY = { initialDelay: 500, maxDelay: 30_000, factor: 2, jitter: 0.5, waitForConnect: false };

/**
 * What to connect to: of several brokers one after the other. amqplib knows but one host, and reads this anew for each of its
 * attempts.
 */
export class BrokersInTurn implements Options.Connect {
  readonly heartbeat = HEARTBEAT_SECONDS;
  #index = 0;

  constructor(private readonly urls: readonly AmqpUrl[]) {}

  /** The next attempt goes to another one. */
  next(): void {
    this.#index += 1;
  }

  get protocol(): string {
    return this.#present.protocol;
  }

  get hostname(): string {
    return this.#present.hostname;
  }

  get port(): number {
    return this.#present.port;
  }

  get username(): string {
    return this.#present.username;
  }

  get password(): string {
    return this.#present.password;
  }

  get vhost(): string {
    return encodeURIComponent(this.#present.vhost); // amqplib decodes it
  }

  get #present(): AmqpUrl {
    const url = this.urls[this.#index % this.urls.length];
    if (!url) throw new Error('no broker is configured');
    return url;
  }
}

/** The connection to the bus, which amqplib opens again for ever, at one of the brokers after the other. */
export class BusConnection {
  #model: ChannelModel | null = null;
  #wake: (() => void) | null = null;

  private constructor(private readonly recovering: RecoveringChannelModel) {}

  /**
   * Begins to connect.
   * @param onFailure called after each attempt that failed, and when the connection is lost
   */
  static async open(urls: readonly AmqpUrl[], onFailure: (error: Error) => void): Promise<BusConnection> {
    const brokers = new BrokersInTurn(urls);
    const connection = new BusConnection(await connect(brokers, { ...SOCKET_OPTIONS, recovery: RECOVERY }));
    const failed = (error: Error): void => {
      connection.#model = null;
      brokers.next();
      onFailure(error);
    };
    connection.recovering
      .on('connect', (model) => {
        connection.#model = model;
        connection.#wake?.();
      })
      .on('disconnect', failed)
      .on('connect-failed', failed)
      .on('error', () => undefined); // 'disconnect' follows
    return connection;
  }

  /** The open connection, as soon as there is one; null after the abort. */
  async opened(signal: AbortSignal): Promise<ChannelModel | null> {
    while (!this.#model && !signal.aborted) await this.#nextEvent(signal);
    return signal.aborted ? null : this.#model;
  }

  /** Whether it is still this connection, as far as amqplib knows. */
  isOpen(model: ChannelModel): boolean {
    return this.#model === model;
  }

  #nextEvent(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#wake = wake;
      signal.addEventListener('abort', wake);
    });
  }

  /** Closes it for good. Resolves when the broker has answered, which one that is lost never does. */
  async close(): Promise<void> {
    await this.recovering.close();
  }
}
