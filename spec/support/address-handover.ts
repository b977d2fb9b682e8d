import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { Sampler } from './access-sampler';
import type { FollowingGateway } from './following-gateway';
import type { MessageMaker, NovaFormat, ToldInstance } from './made-messages';
import type { NovaPublisher } from './nova-publisher';

/** What is told when an address goes from an instance that is deleted to a new one of another project, in the order in which it was so. */
export const HANDOVER_EVENTS = ['delete.start', 'delete.end', 'update.spawning', 'create.end'] as const;

export type HandoverEvent = (typeof HANDOVER_EVENTS)[number];

const SAMPLE_MILLISECONDS = 20;
/** Between two messages. */
const GAP_MILLISECONDS = 60;

/** What a handover needs. */
export interface HandoverTools {
  readonly gateway: FollowingGateway;
  readonly nova: NovaPublisher;
  readonly maker: MessageMaker;
}

/** An address that an instance of one project has first, and then one of another; each project has a filesystem. */
export class Handover {
  readonly from: ToldInstance;
  readonly to: ToldInstance;
  #oldFilesystem = '';
  #newFilesystem = '';

  /** @param order those of the events that are told, as they come */
  constructor(
    private readonly tools: HandoverTools,
    readonly format: NovaFormat,
    readonly order: readonly HandoverEvent[],
    name: string,
    address: string,
  ) {
    this.from = { id: randomUUID(), project: `${name}-old`, addresses: [address] };
    this.to = { id: randomUUID(), project: `${name}-new`, addresses: [address] };
  }

  /** Whether a message tells of the new one's address. */
  get tellsAddress(): boolean {
    return this.order.some((event) => !event.startsWith('delete') && this.#tells(event));
  }

  /** Makes the two filesystems, and tells of the old instance. */
  async prepare(): Promise<void> {
    const { gateway, nova, maker } = this.tools;
    this.#oldFilesystem = await gateway.make(this.from.project, this.from.project);
    this.#newFilesystem = await gateway.make(this.to.project, this.to.project);
    await nova.publish(maker.make(this.format, 'create.end', this.from, new Date()));
  }

  /** What is not as it is at first; null: nothing. */
  get unprepared(): string | null {
    return this.#letsIn(this.#oldFilesystem) ? null : `${this.#name} is not let in`;
  }

  /** What is not as it is in the end; null: nothing. */
  get unsettled(): string | null {
    if (this.#letsIn(this.#oldFilesystem)) return `${this.#name}: the old filesystem lets it in`;
    return this.#letsIn(this.#newFilesystem) ? null : `${this.#name}: the new filesystem does not let it in`;
  }

  /**
   * Tells what has happened, one message after the other.
   * @returns from before the first message that tells of the end of the old instance or of the address of the new one, to the last
   *   sample in which the old filesystem lets the address in, milliseconds
   */
  async tell(): Promise<number> {
    const { nova, maker } = this.tools;
    const time = Date.now();
    let begun = Number.POSITIVE_INFINITY;
    let exposure = 0;
    const sampler = new Sampler(SAMPLE_MILLISECONDS, (now) => {
      if (now > begun && this.#letsIn(this.#oldFilesystem)) exposure = now - begun;
    });
    try {
      for (const event of this.order) {
        const instance = event.startsWith('delete') ? this.from : this.to;
        const message = maker.make(this.format, event, instance, new Date(time + HANDOVER_EVENTS.indexOf(event)));
        if (this.#tells(event)) begun = Math.min(begun, performance.now());
        await nova.publish(message);
        await wait(GAP_MILLISECONDS);
      }
      // a list that is late is seen, and one that comes back
      await wait(2 * GAP_MILLISECONDS);
    } finally {
      await sampler.stop();
    }
    return exposure;
  }

  /** A legacy `update` has no addresses. */
  #tells(event: HandoverEvent): boolean {
    return this.format === 'versioned' || event !== 'update.spawning';
  }

  #letsIn(filesystem: string): boolean {
    return this.from.addresses.some((address) => this.tools.gateway.exported(filesystem).includes(address));
  }

  get #name(): string {
    return `${this.from.project}, told ${this.order.join(', ')}`;
  }
}
