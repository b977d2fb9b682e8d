import type { ComputeState, Generation, StandInServer } from './state';

/** A server and where it stands: explicit ones first, the newest in front. */
export interface PlacedServer {
  readonly id: string;
  readonly server: StandInServer;
  readonly position: number;
}

const PREFIX = 'aaaaaaaa-0000-4000-8000-';
const ID = new RegExp(`^${PREFIX}[0-9a-f]{12}$`);
const OLDEST = Date.UTC(2020, 0, 1);

/** The id of a generated server. */
export function generatedId(index: number): string {
  return PREFIX + index.toString(16).padStart(12, '0');
}

/** The servers of a state in Nova's order, found by id or from a place on; the generated ones are made when they are asked for. */
export class StandInServers {
  readonly #explicit: readonly PlacedServer[];
  readonly #byId: ReadonlyMap<string, PlacedServer>;
  readonly #generation: Generation;

  constructor({ servers, generate = { count: 0 } }: ComputeState) {
    this.#explicit = Object.entries(servers)
      .toSorted(([oneId, one], [otherId, other]) => {
        if (one.created !== other.created) return one.created > other.created ? -1 : 1;
        return oneId < otherId ? -1 : 1;
      })
      .map(([id, server], position) => ({ id, server, position }));
    this.#byId = new Map(this.#explicit.map((each) => [each.id, each]));
    this.#generation = generate;
  }

  find(id: string): PlacedServer | undefined {
    const index = ID.test(id) ? Number.parseInt(id.slice(PREFIX.length), 16) : Number.POSITIVE_INFINITY;
    return this.#byId.get(id) ?? (index < this.#generation.count ? this.#generated(index) : undefined);
  }

  *from(position: number): Generator<PlacedServer> {
    yield* this.#explicit.slice(position);
    const first = Math.max(0, position - this.#explicit.length);
    for (let index = first; index < this.#generation.count; index += 1) yield this.#generated(index);
  }

  #generated(index: number): PlacedServer {
    const bytes = [(index >> 16) & 255, (index >> 8) & 255, index & 255];
    const created = new Date(OLDEST - index * 1_000).toISOString().replace('.000', '');
    const server: StandInServer = {
      project: `generated-${index % (this.#generation.projects ?? 1)}`,
      name: `g${index}`,
      vm_state: 'active',
      task_state: null,
      created,
      addresses: [
        {
          network: 'generated-net',
          addr: `10.${bytes.join('.')}`,
          type: 'fixed',
          mac: `fa:16:3e:${bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':')}`,
          port: `bbbbbbbb-0000-4000-8000-${index.toString(16).padStart(12, '0')}`,
          netId: '33333333-3333-4333-8333-333333333333',
        },
      ],
    };
    return { id: generatedId(index), server, position: this.#explicit.length + index };
  }
}
