import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { AccessLedger } from './access-ledger';
import type { LosingPublisher } from './losing-publisher';
import type { MessageMaker, NovaEvent, NovaFormat, ToldInstance } from './made-messages';
import { takeOne } from './seeded-random';
import type { ToldCloud } from './told-cloud';

/** How a cloud is that never rests. */
export interface ChurnOptions {
  readonly projects: readonly string[];
  readonly living: number;
  /** Few, so that they are used again at once, by whatever project. */
  readonly addresses: readonly string[];
  readonly turnMilliseconds: number;
}

/** Whom a churn tells. */
export interface ChurnTools {
  readonly maker: MessageMaker;
  readonly nova: LosingPublisher;
  readonly told: ToldCloud;
  readonly ledger: AccessLedger;
}

interface Living extends ToldInstance {
  readonly format: NovaFormat;
}

const FORMATS: readonly NovaFormat[] = ['versioned', 'legacy'];

/** Instances that come and go, as true in Compute's answers before they are told. */
export class Churn {
  readonly #living: Living[] = [];
  readonly #free: string[];
  #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(
    private readonly tools: ChurnTools,
    private readonly options: ChurnOptions,
    private readonly random: () => number = Math.random,
  ) {
    this.#free = [...options.addresses];
  }

  /** Those that are there now. */
  get living(): readonly ToldInstance[] {
    return this.#living;
  }

  begin(): void {
    this.#stop = new AbortController();
    this.#running = this.#run();
  }

  /** Resolves when the last has been told. */
  async end(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      if (this.#living.length >= this.options.living) await this.#delete();
      await this.#create();
      await wait(this.options.turnMilliseconds, undefined, { signal }).catch(() => undefined);
    }
  }

  async #create(): Promise<void> {
    const { told, ledger } = this.tools;
    const { projects } = this.options;
    const instance = {
      id: randomUUID(),
      project: projects[Math.floor(this.random() * projects.length)] ?? '',
      addresses: [takeOne(this.#free, this.random)],
      format: FORMATS[Math.floor(this.random() * FORMATS.length)] ?? 'versioned',
    };
    this.#living.push(instance);
    ledger.began(instance);
    told.change([instance]);
    await this.#tell(instance, 'update.active', 'create.end');
  }

  async #delete(): Promise<void> {
    const { told, ledger } = this.tools;
    const instance = takeOne(this.#living, this.random);
    told.change([], [instance]);
    ledger.ended(instance);
    await this.#tell(instance, 'update.deleting', 'delete.start', 'delete.end');
    this.#free.push(...instance.addresses);
  }

  async #tell(instance: Living, ...events: readonly NovaEvent[]): Promise<void> {
    const { nova, maker } = this.tools;
    for (const event of events) await nova.publish(maker.make(instance.format, event, instance, new Date()));
  }
}
