import * as fc from 'fast-check';
import { claimPurges, remove, restore } from '../support/deletion';
import { InMemoryDriver } from '../support/in-memory-driver';
import { startReconciler, type TestReconciler } from '../support/reconcilers';
import { aFilesystem, BACKEND, freshStores, type Stores } from '../support/stores';

const NAMES = ['one', 'two'] as const;
const GRACE = 60_000;

/** What may happen, in any order; `which` picks one of those that are deleted. */
type Step =
  | { readonly kind: 'create' | 'delete'; readonly name: string }
  | { readonly kind: 'restore'; readonly which: number; readonly name: string }
  | { readonly kind: 'purge'; readonly which: number }
  | { readonly kind: 'pass'; readonly milliseconds: number }
  | {
      readonly kind: 'fail' | 'crash';
      readonly method: 'ensure' | 'retire' | 'restore' | 'purge' | 'syncAccess';
      readonly when: 'before' | 'after';
    }
  | { readonly kind: 'work' | 'rest' };

const name = fc.constantFrom(...NAMES);
const anyOf = fc.nat({ max: 2 });
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom<'create' | 'delete'>('create', 'delete'), name }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant<'restore'>('restore'), which: anyOf, name }) },
    fc.record({ kind: fc.constant<'purge'>('purge'), which: anyOf }),
    fc.record({ kind: fc.constant<'pass'>('pass'), milliseconds: fc.constantFrom(100, 5_000, GRACE) }),
    fc.record({
      kind: fc.constantFrom<'fail' | 'crash'>('fail', 'crash'),
      method: fc.constantFrom('ensure', 'retire', 'restore', 'purge', 'syncAccess'),
      when: fc.constantFrom<'before' | 'after'>('before', 'after'),
    }),
    { weight: 5, arbitrary: fc.record({ kind: fc.constantFrom<'work' | 'rest'>('work', 'rest', 'rest') }) },
  ),
  { minLength: 10, maxLength: 30 },
);

/** So that there is something to bring back from the start. */
const BEFORE: readonly Step[] = [
  ...NAMES.map((each) => ({ kind: 'create', name: each }) as const),
  { kind: 'rest' },
  { kind: 'delete', name: NAMES[0] },
];

/** A driver that tells when data is destroyed. */
class WatchedDriver extends InMemoryDriver {
  readonly destroyed: string[] = [];

  override async purge(volume: { readonly id: string }, signal: AbortSignal): Promise<void> {
    const was = this.stored.has(volume.id);
    await super.purge(volume, signal).finally(() => {
      if (was && !this.stored.has(volume.id)) this.destroyed.push(volume.id);
    });
  }
}

/** One deployment, whose reconciler is killed and started again. */
class Deployment {
  readonly driver = new WatchedDriver();
  restored = 0;
  readonly #started: TestReconciler[] = [];
  #reconciler: TestReconciler;

  constructor(readonly stores: Stores) {
    this.#reconciler = this.#start();
  }

  async take(step: Step): Promise<void> {
    const { stores } = this;
    stores.clock.advance(10);
    switch (step.kind) {
      case 'create':
        if (!(await this.#find(step.name))) await aFilesystem(stores, step);
        return;
      case 'delete': {
        const found = await this.#find(step.name);
        if (found && !found.deletionWanted) await remove(stores, found);
        return;
      }
      case 'restore': {
        const id = await this.#deleted(step.which);
        const back = id === undefined ? null : await restore(stores, id, step.name);
        // what never had a volume tells nothing
        if (back?.appliedSize) this.restored += 1;
        return;
      }
      case 'purge': {
        const id = await this.#deleted(step.which);
        if (id === undefined) return;
        await stores.deleted.transaction('spec', async (tx) => {
          if (await tx.lock(id)) await tx.purge(id);
        });
        return;
      }
      case 'pass':
        stores.clock.advance(step.milliseconds);
        return;
      case 'fail':
        this.driver.once(step.method, step.when, () => {
          throw new Error('the backend stumbled');
        });
        return;
      case 'crash':
        this.driver.once(step.method, step.when, async (signal) => {
          await this.#bury();
          return new Promise((_, reject) => {
            if (signal.aborted) reject(signal.reason as Error);
            signal.addEventListener('abort', () => reject(signal.reason as Error));
          });
        });
        return;
      case 'work':
        this.#reconciler.wake();
        await stores.database.query('select 1', []);
        await new Promise(setImmediate);
        return;
      case 'rest':
        await this.rest();
    }
  }

  /** Lets time pass until nothing is left to do but what waits for its time. */
  async rest(): Promise<void> {
    for (;;) {
      const [row] = await this.stores.database.query<{ busy: boolean }>(
        `select exists (select from filesystems where leased_by is not null or purging is not null
           or (retired is null and next_attempt is not null)) as busy`,
        [],
      );
      if (!row?.busy) return;
      this.#reconciler.wake();
      this.stores.clock.advance(100);
      await new Promise(setImmediate);
    }
  }

  /** What is in service has its data, what is deleted has it set aside, and what is destroyed was said to be. */
  async expectRight(): Promise<void> {
    const rows = await this.stores.database.query<{ id: string; retired: boolean; made: boolean; status: string }>(
      'select id, retired is not null as retired, applied_size_bytes is not null as made, status from filesystems',
      [],
    );
    for (const { id, retired, made, status } of rows) {
      if (!retired) expect(status).toBe('available');
      if (made) expect(this.driver.stored.get(id)).toMatchObject({ retired });
      if (retired) expect(this.driver.lists.has(id)).toBe(false);
    }
    const known = new Set(rows.map(({ id }) => id));
    for (const id of this.driver.stored.keys()) expect(known).toContain(id);
    for (const id of this.driver.destroyed) expect(known).not.toContain(id);
  }

  /** All is destroyed in the end. */
  async expectEnd(): Promise<void> {
    for (const each of NAMES) {
      const found = await this.#find(each);
      if (found && !found.deletionWanted) await remove(this.stores, found);
    }
    for (;;) {
      const rows = await this.stores.database.query('select 1 from filesystems limit 1', []);
      if (rows.length === 0) break;
      this.#reconciler.wake();
      this.stores.clock.advance(2_000);
      await new Promise(setImmediate);
    }
    expect(this.driver.stored.size).toBe(0);
    expect(await claimPurges(this.stores)).toEqual([]);
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

  /** What the process had is another's from now on; it comes back from its call when it has noticed. */
  async #bury(): Promise<void> {
    await this.stores.database.query(
      `update filesystems set next_attempt = $1, lease_token = lease_token + 1, leased_by = null
       where leased_by is not null`,
      [this.stores.clock.now()],
    );
    this.#reconciler = this.#start();
  }

  #start(): TestReconciler {
    const started = startReconciler(this.stores.url, this.stores.clock, this.driver, { deletionGrace: GRACE });
    this.#started.push(started);
    return started;
  }

  async #deleted(which: number): Promise<string | undefined> {
    const all = await this.stores.deleted.list({ owner: null, limit: 10 });
    return all[which % Math.max(1, all.length)]?.filesystem.id;
  }

  async #find(wanted: string) {
    return (await this.stores.filesystems.find(wanted, { isAdmin: true, projectId: 'x' }))?.filesystem ?? null;
  }
}

/** A deployment of nothing, on a new filer. */
async function emptied(stores: Stores): Promise<Deployment> {
  await stores.database.query('delete from filesystems', []);
  await stores.database.query('delete from backends', []);
  await stores.backends.register(BACKEND, 'in-memory', [], 'file-system');
  return new Deployment(stores);
}

describe('whatever is deleted, restored and purged, in any order, with failures and killed processes', () => {
  let stores: Stores;
  beforeAll(async () => {
    stores = await freshStores();
  });
  afterAll(() => stores.close());

  it('has its data while it can be had back, and is destroyed in the end', async () => {
    let restored = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const deployment = await emptied(stores);
        try {
          for (const step of [...BEFORE, ...all]) await deployment.take(step);
          await deployment.rest();
          await deployment.expectRight();
          restored += deployment.restored;
          await deployment.expectEnd();
        } finally {
          await deployment.stop();
        }
      }),
      { numRuns: 20 },
    );
    expect(restored).toBeGreaterThan(0);
  }, 240_000);
});
