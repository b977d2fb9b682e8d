import { randomUUID } from 'node:crypto';
import { AMQP_URL, CloudBus } from '../e2e/rabbitmq/cloud-bus';
import { Sampler } from './access-sampler';
import { busSettings } from './bus-settings';
import { ComputeStandIn } from './compute-stand-in';
import { differenceOf, eventually } from './eventually';
import { FollowingGateway } from './following-gateway';
import { MessageMaker, type NovaEvent, type NovaFormat, type ToldInstance } from './made-messages';
import { NovaPublisher } from './nova-publisher';
import { ToldCloud } from './told-cloud';

const SAMPLE_MILLISECONDS = 25;
const PROJECT = 'alpha';
const CREATION: readonly NovaEvent[] = ['update.active', 'create.end'];
const DELETION: readonly NovaEvent[] = ['update.deleting', 'delete.start', 'delete.end'];

/** A cloud that sends notifications of one format alone, a Compute API that can be in trouble, and a gateway that follows both. */
export class FollowedWorld {
  /** Those of the steady instances that were once not let in. */
  readonly lost = new Set<string>();
  readonly #told: ToldCloud;
  readonly #maker = new MessageMaker();
  readonly #living = new Map<string, ToldInstance>();
  readonly #filesystems: string[] = [];
  readonly gateway: FollowingGateway;
  #steady: readonly string[] = [];
  #number = 0;
  #sampler: Sampler | null = null;

  private constructor(
    readonly format: NovaFormat,
    private readonly bus: CloudBus,
    private readonly nova: NovaPublisher,
    readonly compute: ComputeStandIn,
  ) {
    this.#told = new ToldCloud(compute);
    this.gateway = new FollowingGateway({
      ...busSettings(AMQP_URL, bus),
      NOTIFICATIONS: format,
      COMPUTE_URL: compute.url,
      COMPUTE_TOKEN: 'admin-token',
      RESYNC_INTERVAL: '1',
    });
  }

  /** @param steady how many instances are there all the time; they are in Compute's list alone */
  static async make(format: NovaFormat, steady: number): Promise<FollowedWorld> {
    const bus = await CloudBus.open();
    await bus.declareExchange();
    const compute = new ComputeStandIn();
    await compute.start();
    const world = new FollowedWorld(format, bus, await NovaPublisher.connect(AMQP_URL, bus), compute);
    const instances = Array.from({ length: steady }, () => world.#instance());
    world.#told.change(instances);
    await world.gateway.start();
    world.#filesystems.push(await world.gateway.make('everybodys', PROJECT, 'global'));
    world.#filesystems.push(await world.gateway.make('of-alpha', PROJECT));
    await eventually(() => world.wrong);
    world.#steady = instances.flatMap(({ addresses }) => addresses);
    world.#sampler = new Sampler(SAMPLE_MILLISECONDS, () => world.#look());
    return world;
  }

  /** The ids of the instances that are there. */
  get ids(): readonly string[] {
    return [...this.#living.keys()];
  }

  /** What the lists have that they should not, or have not; null: nothing. */
  get wrong(): string | null {
    const wanted = [...this.#living.values()].flatMap(({ addresses }) => addresses);
    const differences = this.#filesystems.map((id) => differenceOf(this.gateway.exported(id), wanted));
    const differs = differences.find((each) => each !== null);
    return differs === undefined ? null : `${this.format}: ${differs}`;
  }

  /** Whether all lists have the instance's address, or none has. */
  isLetIn({ addresses }: ToldInstance): boolean {
    return this.#filesystems.some((id) => addresses.some((each) => this.gateway.exported(id).includes(each)));
  }

  /** Another instance. @param isTold whether its messages arrive */
  async create(isTold: boolean): Promise<ToldInstance> {
    const instance = this.#instance();
    this.#told.change([instance]);
    if (isTold) await this.#tell(instance, CREATION);
    return instance;
  }

  async delete(instance: ToldInstance, isTold: boolean): Promise<void> {
    this.#living.delete(instance.id);
    this.#told.change([], [instance]);
    if (isTold) await this.#tell(instance, DELETION);
  }

  /** Comparisons with Compute's list that have ended, however they did. */
  comparisons(): Promise<number> {
    return this.gateway.metric('shared_filesystem_resync_seconds_count');
  }

  async stop(): Promise<void> {
    await this.#sampler?.stop();
    await this.gateway.stop();
    await this.compute.stop();
    await this.nova.close();
    await this.bus.close();
  }

  #instance(): ToldInstance {
    this.#number += 1;
    const instance = { id: randomUUID(), project: PROJECT, addresses: [`10.50.0.${this.#number}`] };
    this.#living.set(instance.id, instance);
    return instance;
  }

  async #tell(instance: ToldInstance, events: readonly NovaEvent[]): Promise<void> {
    for (const event of events) await this.nova.publish(this.#maker.make(this.format, event, instance, new Date()));
  }

  #look(): void {
    for (const id of this.#filesystems) {
      const there = new Set(this.gateway.exported(id));
      for (const address of this.#steady) if (!there.has(address)) this.lost.add(address);
    }
  }
}
