import type { InstanceAddress } from '../../lib/domain/address';
import { Unavailable } from '../../lib/domain/errors';
import type { Observation } from '../../lib/domain/instance';
import type { Clock } from '../../lib/ports/clock';
import type { ComputeApi, ListingPage } from '../../lib/ports/cloud';
import { anAddress } from './an-address';

/** An instance as Compute has it. */
export interface ComputeInstance {
  readonly project: string;
  readonly state?: 'live' | 'suspended';
  readonly addresses?: readonly (string | InstanceAddress)[];
}

/** A Compute API in memory: what a real one answers, without HTTP. */
export class InMemoryCompute implements ComputeApi {
  readonly instances = new Map<string, ComputeInstance>();
  /** Ids that were asked about, in order; `*` is the list. */
  readonly asked: string[] = [];
  /** Out of reach. */
  away = false;
  /** Whether its list says something of every instance. */
  complete = true;
  /** Instances that its list leaves out. */
  readonly unlisted = new Set<string>();
  /** Called before each answer, and each page of the list. */
  before: () => Promise<void> | void = () => {};
  pageSize = 2;

  constructor(private readonly clock: Clock) {}

  async find(instanceId: string, signal: AbortSignal): Promise<Observation> {
    this.asked.push(instanceId);
    const time = this.clock.now();
    await this.#answer(signal);
    return this.#observation(instanceId, time, 'compute.server');
  }

  async *list(signal: AbortSignal): AsyncGenerator<ListingPage> {
    this.asked.push('*');
    const ids = [...this.instances.keys()].filter((id) => !this.unlisted.has(id));
    for (let from = 0; from === 0 || from < ids.length; from += this.pageSize) {
      const instanceIds = ids.slice(from, from + this.pageSize);
      const time = this.clock.now();
      await this.#answer(signal);
      yield {
        instanceIds,
        observations: instanceIds.map((id) => this.#observation(id, time, 'compute.listed')),
        complete: this.complete,
      };
    }
  }

  #observation(instanceId: string, time: Date, cause: string): Observation {
    const found = this.instances.get(instanceId);
    const said = { instanceId, time, source: 'compute', cause } as const;
    if (!found) return { ...said, state: 'gone' };
    return {
      ...said,
      project: found.project,
      state: found.state ?? 'live',
      addresses: (found.addresses ?? []).map((each) => (typeof each === 'string' ? anAddress(each) : each)),
    };
  }

  async #answer(signal: AbortSignal): Promise<void> {
    await this.before();
    signal.throwIfAborted();
    if (this.away) throw new Unavailable('Compute is out of reach.');
  }
}
