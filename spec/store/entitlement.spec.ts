import * as fc from 'fast-check';
import { type CountingRule, type InstanceAddress, parseCountingNetwork } from '../../lib/domain/address';
import { entitlement } from '../../lib/domain/entitlement';
import type { KnownInstance } from '../../lib/domain/instance';
import { readWanted, wantedStatement } from '../../lib/store/wanted';
import { accessOf } from '../support/settle';
import { aFilesystem, anObservation, freshStores, type Stores } from '../support/stores';

const NETWORK = '4f2a7c1e-9d53-4b0e-8a11-6c2d5e7f9a10';

const addresses: fc.Arbitrary<InstanceAddress> = fc.record({
  address: fc.constantFrom(
    '10.20.0.1',
    '10.20.0.2',
    '10.30.0.1',
    'fd00:20::1',
    '192.0.2.7',
    '169.254.1.1',
    '10.20.0.250',
  ),
  kind: fc.constantFrom('fixed', 'floating'),
  network: fc.constantFrom(null, NETWORK, 'another'),
  port: fc.constant(null),
  mac: fc.constant(null),
});
const instances = fc.uniqueArray(
  fc.record({
    id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
    project: fc.constantFrom('p1', 'p2'),
    state: fc.constantFrom('live', 'live', 'live', 'suspended', 'gone'),
    addresses: fc.uniqueArray(addresses, { maxLength: 3, selector: ({ address }) => address }),
    connected: fc.boolean(),
    /** Whether the filesystem lets its addresses in already. */
    letIn: fc.boolean(),
    /** Whether somebody else has claimed its addresses since. */
    doubted: fc.boolean(),
  }),
  { minLength: 1, maxLength: 6, selector: ({ id }) => id },
);
const rules: fc.Arbitrary<CountingRule> = fc.record({
  networks: fc.constantFrom(
    null,
    [],
    [parseCountingNetwork('10.20.0.0/16')],
    [parseCountingNetwork('10.20.0.0/16'), parseCountingNetwork('fd00:20::/64')],
    [parseCountingNetwork(`10.20.0.0/16@${NETWORK}`), parseCountingNetwork('10.30.0.0/16')],
  ),
  kinds: fc.constantFrom(['fixed'], ['fixed', 'floating']),
  excluded: fc.constantFrom([], ['10.20.0.250']),
  mostPerInstance: fc.constantFrom(1, 2, 8),
});

describe('the access list', () => {
  let stores: Stores;
  beforeAll(async () => {
    stores = await freshStores();
  });
  afterAll(() => stores.close());

  it('is the same in SQL as in words, for every directory, scope and rule', async () => {
    await fc.assert(
      fc.asyncProperty(instances, rules, async (said, rule) => {
        await stores.database.query('truncate filesystems, instances cascade', []);
        await stores.instances.apply(said.map(({ id, ...each }) => anObservation(stores.clock, id, each)));
        const known = said.map(
          ({ id, project, state, addresses: list }): KnownInstance => ({
            id,
            project: fact(project),
            state: fact(state),
            addresses: fact(list),
            liveUntil: null,
          }),
        );
        const doubted: readonly string[] = said.filter((each) => each.doubted).map(({ id }) => id);
        await stores.database.query('update instance_addresses set doubted = now() where instance_id = any($1)', [
          doubted,
        ]);
        const connected = new Set(said.filter((each) => each.connected).map(({ id }) => id));
        for (const scope of ['global', 'project', 'instance'] as const) {
          const filesystem = await aFilesystem(stores, { scope, owner: 'p1' });
          if (scope === 'instance')
            await stores.filesystems.transaction('spec', async (tx) => {
              for (const id of connected) await tx.connect(filesystem.id, id, { userId: null, projectId: 'p1' });
            });
          const letIn = said.filter((each) => each.letIn);
          for (const { id, addresses: list } of letIn)
            await stores.database.query(
              'insert into access_entries (filesystem_id, instance_id, address) select $1, $2, unnest($3::inet[])',
              [filesystem.id, id, list.map(({ address }) => address)],
            );
          const wanted = await readWanted(stores.database, stores.clock.now(), wantedStatement(rule), {
            filesystemId: filesystem.id,
            leaseToken: 0n,
          });
          const isLetIn = (id: string) => letIn.some((each) => each.id === id);
          const isDoubted = (id: string) => doubted.includes(id);
          expect({
            addresses: wanted?.access.addresses,
            disputed: wanted?.disputed,
            surplus: wanted?.surplus,
          }).toEqual(entitlement(filesystem, known, connected, rule, isLetIn, isDoubted));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('leaves out an address in dispute, and lets it in when the other claim ends', async () => {
    await stores.database.query('truncate filesystems, instances cascade', []);
    const { clock } = stores;
    const filesystem = await aFilesystem(stores, { scope: 'project', owner: 'p1' });
    await stores.instances.apply([
      anObservation(clock, 'mine', { project: 'p1', addresses: ['10.0.0.1', '10.0.0.2'] }),
      anObservation(clock, 'theirs', { project: 'p2', addresses: ['10.0.0.2'] }),
    ]);
    expect(await accessOf(stores, filesystem.id)).toMatchObject({ addresses: ['10.0.0.1'], disputed: ['10.0.0.2'] });

    clock.advance(1);
    await stores.instances.apply([anObservation(clock, 'theirs', { project: 'p2', state: 'gone' })]);
    expect(await accessOf(stores, filesystem.id)).toMatchObject({ addresses: ['10.0.0.1', '10.0.0.2'], disputed: [] });
  });

  function fact<Value>(value: Value) {
    return { value, time: stores.clock.now(), source: 'notification' as const };
  }
});
