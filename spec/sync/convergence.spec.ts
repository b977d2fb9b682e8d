import * as fc from 'fast-check';
import type { Filesystem, Scope } from '../../lib/domain/filesystem';
import type { InstanceState } from '../../lib/domain/instance';
import type { FilesystemTransaction } from '../../lib/ports/filesystem-store';
import { InMemoryDriver } from '../support/in-memory-driver';
import { startReconciler, type TestReconciler } from '../support/reconcilers';
import { accessOf, findAccess } from '../support/settle';
import { aFilesystem, anObservation, freshStores, type Stores } from '../support/stores';

const PROJECTS = ['p1', 'p2'] as const;
const INSTANCES = ['a', 'b', 'c'] as const;
const NAMES = ['one', 'two', 'three'] as const;
const ADDRESSES = ['10.0.0.1', '10.0.0.2', 'fd00::1', '127.0.0.1'] as const;

/** What may happen, in any order. */
type Step =
  | { readonly kind: 'create'; readonly name: string; readonly scope: Scope; readonly project: string }
  | { readonly kind: 'change'; readonly name: string; readonly scope: Scope; readonly project: string }
  | { readonly kind: 'delete'; readonly name: string }
  | { readonly kind: 'connect' | 'disconnect'; readonly name: string; readonly instance: string }
  | {
      readonly kind: 'event';
      readonly instance: string;
      readonly project: string;
      readonly state: InstanceState;
      readonly addresses: readonly string[];
      /** Milliseconds before now: messages come late, and in any order. */
      readonly late: number;
      readonly again: boolean;
      readonly source: 'notification' | 'host';
    }
  | { readonly kind: 'fail' | 'crash'; readonly when: 'before' | 'after' }
  | { readonly kind: 'work' };

const name = fc.constantFrom(...NAMES);
const project = fc.constantFrom(...PROJECTS);
const instance = fc.constantFrom(...INSTANCES);
const scope = fc.constantFrom<Scope>('global', 'project', 'instance');
const when = fc.constantFrom<'before' | 'after'>('before', 'after');
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constantFrom<'create'>('create'), name, scope, project }),
    fc.record({ kind: fc.constantFrom<'change'>('change'), name, scope, project }),
    fc.record({ kind: fc.constant<'delete'>('delete'), name }),
    fc.record({ kind: fc.constantFrom<'connect' | 'disconnect'>('connect', 'disconnect'), name, instance }),
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant<'event'>('event'),
        instance,
        project,
        state: fc.constantFrom<InstanceState>('live', 'live', 'live', 'suspended', 'gone'),
        addresses: fc.uniqueArray(fc.constantFrom(...ADDRESSES), { maxLength: 3 }),
        late: fc.nat({ max: 50 }),
        again: fc.boolean(),
        source: fc.constantFrom<'notification' | 'host'>('notification', 'host'),
      }),
    },
    fc.record({ kind: fc.constantFrom<'fail' | 'crash'>('fail', 'crash'), when }),
    { weight: 2, arbitrary: fc.constant<Step>({ kind: 'work' }) },
  ),
  { minLength: 5, maxLength: 30 },
);

type Request = Extract<Step, { kind: 'change' | 'delete' | 'connect' | 'disconnect' }>;

/** One deployment: a database, a filer that outlives every process, and a reconciler that is killed and started again. */
class Deployment {
  readonly driver = new InMemoryDriver();
  /** By filesystem: the lists that were right, by the revision that was committed, in order. */
  /** By filesystem and revision: the lists that were right while that revision was wanted. */
  readonly #right = new Map<string, Map<bigint, readonly string[]>>();
  readonly #started: TestReconciler[] = [];
  #reconciler: TestReconciler;

  constructor(readonly stores: Stores) {
    this.#reconciler = this.#start();
  }

  async take(step: Step): Promise<void> {
    this.stores.clock.advance(10);
    switch (step.kind) {
      case 'create':
        if ((await this.#find(step.name)) === null)
          await aFilesystem(this.stores, {
            ...step,
            owner: step.project,
            project: step.scope === 'project' ? step.project : null,
          });
        break;
      case 'change':
      case 'delete':
      case 'connect':
      case 'disconnect':
        await this.#request(step);
        break;
      case 'event':
        await this.#event(step);
        break;
      case 'fail':
        this.driver.once('syncAccess', step.when, () => {
          throw new Error('the backend stumbled');
        });
        break;
      case 'crash':
        this.#crash(step.when);
        break;
      case 'work':
        this.#reconciler.wake();
        await new Promise(setImmediate);
        break;
    }
    await this.#note();
  }

  /** Lets time pass until nothing is left to do. */
  async rest(): Promise<void> {
    for (;;) {
      const [row] = await this.stores.database.query<{ busy: boolean }>(
        'select exists (select from filesystems where next_attempt is not null or applied_revision < desired_revision) as busy',
        [],
      );
      if (!row?.busy) return;
      this.#reconciler.wake();
      this.stores.clock.advance(100);
      await new Promise(setImmediate);
    }
  }

  async expectRight(): Promise<void> {
    const rows = await this.stores.database.query<{ id: string }>('select id from filesystems', []);
    for (const { id } of rows) {
      const { wanted, addresses, confirmed } = await accessOf(this.stores, id);
      expect(confirmed).toEqual(wanted);
      expect(this.driver.lists.get(id)?.addresses).toEqual(addresses);
    }
    const known = new Set(rows.map(({ id }) => id));
    for (const id of this.driver.lists.keys()) expect(known).toContain(id);
    this.#expectHistoryRight();
  }

  async stop(): Promise<void> {
    let over = false;
    const end = Promise.all(this.#started.map((each) => each.stop())).finally(() => {
      over = true;
    });
    while (!over) {
      this.stores.clock.advance(1_000);
      await new Promise(setImmediate);
    }
    await end;
  }

  /** Every list that was ever held is exactly that of one committed revision, and revisions never went back. */
  #expectHistoryRight(): void {
    const last = new Map<string, bigint>();
    for (const { id, revision, addresses, cut } of this.driver.history) {
      expect(revision).toBeGreaterThanOrEqual(last.get(id) ?? 0n);
      last.set(id, revision);
      // a deletion only takes away: its list is empty
      if (cut) expect(addresses).toEqual([]);
      else expect(this.#rightAt(id, revision)).toContain(addresses.join());
    }
  }

  /** A revision that a reconciler itself raised in between was not written down: its list is that of the one before or after. */
  #rightAt(id: string, revision: bigint): readonly string[] {
    const all = [...(this.#right.get(id) ?? [])];
    const exact = all.find(([each]) => each === revision);
    if (exact) return exact[1];
    const before = all.filter(([each]) => each < revision).at(-1);
    const after = all.find(([each]) => each > revision);
    return [before, after].flatMap((each) => each?.[1] ?? []);
  }

  #start(): TestReconciler {
    const started = startReconciler(this.stores.url, this.stores.clock, this.driver);
    this.#started.push(started);
    return started;
  }

  /** The process never comes back from that call; another one starts. */
  #crash(at: 'before' | 'after'): void {
    const begin = () => {
      this.#reconciler = this.#start();
    };
    this.driver.once('syncAccess', at, (signal) => {
      begin();
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    });
  }

  async #request(step: Request): Promise<void> {
    await this.stores.filesystems.transaction('spec', async (tx) => {
      const filesystem = await tx.lock(step.name);
      if (filesystem && !filesystem.deletionWanted) await request(tx, filesystem, step);
    });
  }

  async #event({
    instance: id,
    project: owner,
    state,
    addresses,
    late,
    again,
    source,
  }: Extract<Step, { kind: 'event' }>) {
    const time = new Date(this.stores.clock.now().getTime() - late);
    const said = anObservation(this.stores.clock, id, { project: owner, state, addresses, time, source });
    await this.stores.instances.apply([said]);
    if (again) await this.stores.instances.apply([said, said]);
  }

  /** Writes down what is right for every revision that was just committed. */
  async #note(): Promise<void> {
    const rows = await this.stores.database.query<{ id: string }>(
      'select id from filesystems where retired is null',
      [],
    );
    for (const { id } of rows) {
      const access = await findAccess(this.stores, id);
      // purged in the meantime
      if (!access) continue;
      const { revision, addresses } = access;
      const lists = this.#right.get(id) ?? new Map<bigint, readonly string[]>();
      // a revision that no run has read is not raised again: it has several
      this.#right.set(id, lists.set(revision, [...(lists.get(revision) ?? []), addresses.join()]));
    }
  }

  async #find(of: string) {
    return this.stores.filesystems.find(of, { isAdmin: true, projectId: 'admin' });
  }
}

/** As the handlers do it. */
async function request(tx: FilesystemTransaction, filesystem: Filesystem, step: Request): Promise<void> {
  const { id, size, owner } = filesystem;
  switch (step.kind) {
    case 'change': {
      const attributes = { size, scope: step.scope, project: step.scope === 'project' ? step.project : null };
      const endConnections = filesystem.scope === 'instance' && step.scope !== 'instance';
      await tx.change(id, { attributes, endConnections, withdraws: true });
      return;
    }
    case 'delete':
      return tx.markDeleting(id);
    case 'connect':
    case 'disconnect': {
      const known = (await tx.instance(step.instance)) !== null;
      const connected = await tx.isConnected(id, step.instance);
      if (filesystem.scope !== 'instance' || !known || connected === (step.kind === 'connect')) return;
      if (connected) await tx.disconnect(id, step.instance);
      else await tx.connect(id, step.instance, { userId: null, projectId: owner });
    }
  }
}

describe('whatever happens', () => {
  let stores: Stores;
  beforeAll(async () => {
    stores = await freshStores();
  });
  afterAll(() => stores.close());

  it('ends with access entries that are what is entitled and what the backend has', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        await stores.database.query('truncate filesystems, instances cascade', []);
        await stores.database.query('update backends set marked = false', []);
        const deployment = new Deployment(stores);
        try {
          for (const step of taken) await deployment.take(step);
          await deployment.rest();
          await deployment.expectRight();
        } finally {
          await deployment.stop();
        }
      }),
      { numRuns: 40 },
    );
  }, 180_000);
});
