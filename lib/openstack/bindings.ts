import type { ChannelModel } from 'amqplib';
import { errorCode } from '../error-code';
import type { Clock } from '../ports/clock';
import type { Pause } from './bus-pauses';
import type { BusStatus } from './bus-status';

/** How often the bindings are made again: an exchange that was deleted and declared anew has none. */
const RENEWAL_MILLISECONDS = 30_000;

const NOT_FOUND = '404';

/** What our queue is bound to. */
export interface WantedBindings {
  readonly queue: string;
  readonly exchanges: readonly string[];
  readonly bound: readonly string[];
  readonly unbound: readonly string[];
}

/** The bindings of our queue, made over one connection. Exchanges are Nova's: they are looked for, and never declared. */
export class Bindings {
  readonly #present = new Set<string>();

  constructor(
    private readonly model: ChannelModel,
    private readonly wanted: WantedBindings,
    private readonly status: Pick<BusStatus, 'exchange'>,
  ) {}

  /**
   * Binds the queue to those of the exchanges that are there.
   * @returns whether one is there that was not
   */
  async bind(): Promise<boolean> {
    let isMore = false;
    for (const exchange of this.wanted.exchanges) {
      const present = await this.#bindTo(exchange);
      isMore ||= present && !this.#present.has(exchange);
      if (present) this.#present.add(exchange);
      else this.#present.delete(exchange);
      this.status.exchange(exchange, present);
    }
    return isMore;
  }

  /** Binds again and again, more often while an exchange is absent. */
  async keep(clock: Clock, pause: Pause, onMore: () => void, signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      const isComplete = this.#present.size === this.wanted.exchanges.length;
      await clock.sleep(isComplete ? RENEWAL_MILLISECONDS : pause(failures), signal);
      if (signal.aborted) return;
      if (await this.bind()) onMore();
      failures = isComplete ? 0 : failures + 1;
    }
  }

  /** Over a channel of its own, which an absent exchange closes. */
  async #bindTo(exchange: string): Promise<boolean> {
    const channel = await this.model.createChannel();
    let isOpen = true;
    channel.on('error', () => undefined).on('close', () => (isOpen = false));
    try {
      await channel.checkExchange(exchange);
    } catch (error) {
      if (errorCode(error) === NOT_FOUND) return false;
      throw error;
    }
    const { queue, bound, unbound } = this.wanted;
    for (const key of bound) await channel.bindQueue(queue, exchange, key);
    for (const key of unbound) await channel.unbindQueue(queue, exchange, key);
    if (isOpen) await channel.close();
    return true;
  }
}
