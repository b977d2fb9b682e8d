import * as fc from 'fast-check';
import { type CountingRule, parseCountingNetwork } from '../../lib/domain/address';
import type { ExplainedFact, Explanation, FactName } from '../../lib/domain/explanation';
import type { Viewer } from '../../lib/ports/viewer';
import { accessOf, claimOne, settle, settleAll } from '../support/settle';
import { aFilesystem, anAddress, anObservation, freshStores, type Stores, storesOver } from '../support/stores';

const ADMIN: Viewer = { isAdmin: true, projectId: 'admin' };
const MEMBER: Viewer = { isAdmin: false, projectId: 'p1' };
const IDS = ['a', 'b', 'c', 'd'];

const addresses = fc.uniqueArray(
  fc.record({
    address: fc.constantFrom('10.20.0.1', '10.20.0.2', '10.30.0.1', '192.0.2.7', '10.20.0.250'),
    kind: fc.constantFrom('fixed', 'floating'),
    network: fc.constantFrom(null, 'storage', 'another'),
    port: fc.constant(null),
    mac: fc.constant(null),
  }),
  { maxLength: 4, selector: ({ address }) => address },
);
const directories = fc.uniqueArray(
  fc.record({
    id: fc.constantFrom(...IDS),
    project: fc.constantFrom('p1', 'p2'),
    state: fc.constantFrom('live', 'live', 'live', 'suspended', 'gone'),
    addresses,
    connected: fc.boolean(),
  }),
  { minLength: 1, selector: ({ id }) => id },
);
const rules: fc.Arbitrary<CountingRule> = fc.record({
  networks: fc.constantFrom(
    null,
    [],
    [parseCountingNetwork('10.20.0.0/16')],
    [parseCountingNetwork('10.20.0.0/16@storage'), parseCountingNetwork('10.30.0.0/16')],
  ),
  kinds: fc.constantFrom(['fixed'], ['fixed', 'floating']),
  excluded: fc.constantFrom([], ['10.20.0.250']),
  mostPerInstance: fc.constantFrom(1, 8),
});

const of = ({ facts }: Explanation, name: FactName): readonly ExplainedFact[] =>
  facts.filter(({ fact }) => fact === name);
const holds = (explanation: Explanation, name: FactName) => of(explanation, name).map((each) => each.holds);
const addressesIn = (facts: readonly ExplainedFact[]): readonly string[] =>
  facts.flatMap(({ address }) => address ?? []).toSorted();
/** The addresses that should be let in, as a reader draws it from the chain. */
const conclusion = (explanation: Explanation): readonly string[] => {
  const inTheWay = (['scope', 'state', 'deletion'] as const).some((name) => holds(explanation, name)[0] !== true);
  if (inTheWay) return [];
  const disputed = addressesIn(of(explanation, 'dispute'));
  const counting = addressesIn(of(explanation, 'address').filter(({ counts }) => counts));
  return counting.filter((address) => !disputed.includes(address));
};

/** Of lines `address instance` those of one instance, sorted. */
const addressesOf = (id: string, lines: readonly string[]): readonly string[] =>
  lines.flatMap((line) => (line.endsWith(` ${id}`) ? [line.slice(0, -id.length - 1)] : [])).toSorted();

describe('an explanation', () => {
  let stores: Stores;
  beforeAll(async () => {
    stores = await freshStores();
  });
  beforeEach(() => stores.database.query('truncate filesystems, instances cascade', []));
  afterAll(() => stores.close());

  const explain = async (
    name: string,
    id: string,
    viewer = ADMIN,
    { filesystems }: Pick<Stores, 'filesystems'> = stores,
  ) => {
    const found = await filesystems.explain(name, id, viewer);
    if (!found) throw new Error('no such filesystem');
    return found;
  };

  const connect = ({ filesystems }: Pick<Stores, 'filesystems'>, filesystemId: string, ids: readonly string[]) =>
    filesystems.transaction('spec', async (tx) => {
      for (const id of ids) await tx.connect(filesystemId, id, { userId: null, projectId: 'p1' });
    });

  it('comes to what the reconciler reads, for every directory, scope and rule', async () => {
    const scopes = fc.constantFrom('global', 'project', 'instance');
    await fc.assert(
      fc.asyncProperty(directories, rules, scopes, fc.boolean(), async (said, rule, scope, settled) => {
        await stores.database.query('truncate filesystems, instances cascade', []);
        const under = storesOver(stores.url, stores.clock, { rule, poolSize: 2 });
        await under.instances.apply(said.map(({ id, ...each }) => anObservation(stores.clock, id, each)));
        const filesystem = await aFilesystem(under, { scope, owner: 'p1' });
        const connected = said.filter((each) => each.connected).map(({ id }) => id);
        if (scope === 'instance') await connect(under, filesystem.id, connected);
        if (settled) await settleAll(under);
        const { wanted, confirmed } = await accessOf(under, filesystem.id);
        for (const id of IDS) {
          const { explanation, entry } = await explain(filesystem.name, id, ADMIN, under);
          const letIn = of(explanation, 'backend').filter((each) => each.holds);
          expect(conclusion(explanation)).toEqual(addressesOf(id, wanted));
          expect(addressesIn(letIn)).toEqual(addressesOf(id, confirmed));
          expect(explanation.letIn).toBe(letIn.length > 0);
          expect(entry).toEqual(await under.filesystems.findInstance(filesystem, id, ADMIN));
        }
        await under.database.close();
      }),
      { numRuns: 60 },
    );
  });

  it('has its sources, and what Compute is asked', async () => {
    const rule: CountingRule = { networks: [parseCountingNetwork('10.20.0.0/16@storage')], kinds: ['fixed'] };
    const asking = storesOver(stores.url, stores.clock, { rule, canAsk: true, poolSize: 2 });
    const { name } = await aFilesystem(asking, { scope: 'project', owner: 'p1' });
    const time = stores.clock.now();
    await asking.instances.apply([
      anObservation(stores.clock, 'a', { project: 'p1', addresses: ['10.20.0.1'], source: 'host' }),
    ]);
    const { explanation, project, entry } = await explain(name, 'a', ADMIN, asking);
    expect(project).toBe('p1');
    expect(entry).toMatchObject({ id: 'a', status: 'pending' });
    expect(explanation.facts).toMatchObject([
      { fact: 'known', holds: true, since: time },
      { fact: 'project', holds: true, source: 'host', time },
      { fact: 'question', holds: null, time },
      { fact: 'scope', holds: true },
      { fact: 'state', holds: true, source: 'host', time },
      { fact: 'addresses', holds: false, source: 'host', time },
      { fact: 'address', address: '10.20.0.1', counts: false, holds: null },
      { fact: 'dispute', holds: true },
      { fact: 'revision', holds: false, desired: 1n, applied: 0n },
      { fact: 'error', holds: true },
      { fact: 'next_attempt', holds: null, time },
      { fact: 'deletion', holds: true },
    ]);
    await asking.database.close();
  });

  it('follows an address from its dispute into the backend and out of it', async () => {
    const { clock, instances } = stores;
    const { name } = await aFilesystem(stores, { scope: 'project', owner: 'p1' });
    await instances.apply([
      anObservation(clock, 'a', { project: 'p1', addresses: ['10.0.0.1'] }),
      anObservation(clock, 'b', { project: 'p2', addresses: ['10.0.0.1'] }),
    ]);
    await settleAll(stores);
    const disputed = (await explain(name, 'a')).explanation;
    expect([disputed.letIn, holds(disputed, 'dispute'), holds(disputed, 'backend')]).toEqual([false, [false], [false]]);
    expect(holds((await explain(name, 'b')).explanation, 'dispute')).toEqual([null]);

    clock.advance(1_000);
    await instances.apply([anObservation(clock, 'b', { project: 'p2', state: 'gone' })]);
    await settleAll(stores);
    const letIn = (await explain(name, 'a')).explanation;
    expect(letIn.letIn).toBe(true);
    expect(of(letIn, 'backend')).toMatchObject([{ address: '10.0.0.1', holds: true, since: clock.now() }]);

    await instances.apply([anObservation(clock, 'a', { project: 'p1', state: 'suspended' })]);
    const ending = await explain(name, 'a');
    expect(ending.entry).toMatchObject({ status: 'disconnecting' });
    expect(holds(ending.explanation, 'state')).toEqual([false]);
    expect(of(ending.explanation, 'backend')).toMatchObject([
      { address: '10.0.0.1', holds: true, reason: expect.stringMatching(/may still/) },
    ]);
    await settleAll(stores);
    expect((await explain(name, 'a')).explanation.letIn).toBe(false);
  });

  it('tells what a backend refuses, and an error: an operator’s words to an administrator alone', async () => {
    const { clock, instances, work } = stores;
    const { name } = await aFilesystem(stores, { scope: 'project', owner: 'p1' });
    await instances.apply([anObservation(clock, 'a', { project: 'p1', addresses: ['10.0.0.1'] })]);
    const claim = await claimOne(stores);
    const wanted = await work.wanted(claim);
    if (!wanted) throw new Error('the lease was lost');
    const refused = new Map([['10.0.0.1', 'Too many clients.']]);
    await work.settleAccess(claim, wanted, { applied: new Set(), refused, complete: true }, null);
    await work.postpone(claim, 7_000, 'EIO: /srv/volumes');

    const toAdmin = (await explain(name, 'a')).explanation;
    const toMember = (await explain(name, 'a', MEMBER)).explanation;
    for (const explanation of [toAdmin, toMember]) {
      expect(of(explanation, 'backend')).toMatchObject([
        { holds: false, reason: 'The backend refuses it: Too many clients.', since: clock.now() },
      ]);
      expect(of(explanation, 'error')).toMatchObject([{ holds: false, since: clock.now() }]);
      expect(of(explanation, 'next_attempt')).toMatchObject([{ holds: null, time: new Date(+clock.now() + 7_000) }]);
    }
    expect(of(toAdmin, 'error')[0]?.lastError).toBe('EIO: /srv/volumes');
    expect(of(toMember, 'error')[0]).not.toHaveProperty('lastError');
  });

  it('tells an attempt that must wait its turn by that turn', async () => {
    const { clock, instances, work } = stores;
    const { name } = await aFilesystem(stores, { scope: 'project', owner: 'p1' });
    const claim = await claimOne(stores);
    const wanted = await work.wanted(claim);
    if (!wanted) throw new Error('the lease was lost');
    const nothing = { applied: new Set<string>(), refused: new Map<string, string>(), complete: true };
    await work.settleVolume(claim, { exportLocation: 'x', protocol: 'NFS', size: wanted.filesystem.size });
    await work.settleAccess(claim, wanted, nothing, { pause: 1_000, grantPause: 5_000, retryAfter: null });
    expect(of((await explain(name, 'a')).explanation, 'next_attempt')).toMatchObject([{ holds: true, time: null }]);
    await instances.apply([anObservation(clock, 'a', { project: 'p1', addresses: ['10.0.0.1'] })]);
    const turn = new Date(+clock.now() + 5_000);
    expect(of((await explain(name, 'a')).explanation, 'next_attempt')).toMatchObject([{ holds: null, time: turn }]);
    clock.advance(5_000);
    const leased = await claimOne(stores);
    expect(of((await explain(name, 'a')).explanation, 'next_attempt')).toMatchObject([
      { holds: null, time: new Date(+clock.now() + 10_000), reason: expect.stringMatching(/worked on now/) },
    ]);
    await settle(stores, leased);
  });

  it('answers of an instance that nobody has told of, and not of a filesystem that there is not', async () => {
    const { name } = await aFilesystem(stores, { scope: 'instance' });
    const { explanation, project, entry } = await explain(name, 'none');
    expect([project, entry, explanation.letIn]).toEqual([null, null, false]);
    expect(holds(explanation, 'known')).toEqual([false]);
    expect(await stores.filesystems.explain('none', 'none', ADMIN)).toBeNull();
  });

  it('says that an instance is connected, and to another filesystem is not', async () => {
    const { clock, instances } = stores;
    const one = await aFilesystem(stores, { scope: 'instance' });
    const other = await aFilesystem(stores, { scope: 'instance' });
    await instances.apply([anObservation(clock, 'a', { addresses: [anAddress('10.0.0.1')] })]);
    await connect(stores, one.id, ['a']);
    expect(of((await explain(one.name, 'a')).explanation, 'scope')).toMatchObject([
      { holds: true, since: clock.now() },
    ]);
    expect(of((await explain(other.name, 'a')).explanation, 'scope')).toMatchObject([{ holds: false, since: null }]);
  });
});
