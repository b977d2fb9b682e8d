import { aServer, aStandInAddress, type StandInServer } from './compute/state';
import type { ComputeStandIn } from './compute-stand-in';
import { portOf, type ToldInstance } from './made-messages';

/** What is true of a cloud's instances, and that the stand-in for its Compute API says so. */
export class ToldCloud {
  readonly #servers = new Map<string, StandInServer>();

  constructor(private readonly compute: ComputeStandIn) {}

  /** These are there now, and active; those are not there any more. */
  change(there: readonly ToldInstance[], gone: readonly ToldInstance[] = []): void {
    for (const { id } of gone) this.#servers.delete(id);
    for (const instance of there) this.#servers.set(instance.id, asServer(instance));
    this.compute.set({ servers: Object.fromEntries(this.#servers) });
  }
}

function asServer({ id, project, addresses }: ToldInstance): StandInServer {
  const { port, mac } = portOf(id);
  return aServer({ project, name: id, addresses: addresses.map((each) => aStandInAddress(each, { port, mac })) });
}
