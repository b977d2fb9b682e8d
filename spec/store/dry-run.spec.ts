import * as fc from 'fast-check';
import { Client } from 'pg';
import type { Filesystem, Scope } from '../../lib/domain/filesystem';
import { parseSize } from '../../lib/domain/size';
import type { FilesystemTransaction, ForetoldAccess } from '../../lib/ports/filesystem-store';
import { settleAll } from '../support/settle';
import { aFilesystem, anObservation, freshStores, type Stores } from '../support/stores';
import { wholeDatabase } from '../support/whole-database';

const directories = fc.uniqueArray(
  fc.record({
    id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    project: fc.constantFrom('p1', 'p2'),
    state: fc.constantFrom('live', 'live', 'live', 'suspended', 'gone'),
    addresses: fc.uniqueArray(fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.10', 'fd00::1'), { maxLength: 3 }),
  }),
  { selector: ({ id }) => id },
);
const attributes = fc.constantFrom<readonly [Scope, string | null]>(
  ['global', null],
  ['project', 'p1'],
  ['project', 'p2'],
  ['instance', null],
);
const connections = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'));

/** What a request does in its transaction. */
type Work = (tx: FilesystemTransaction) => Promise<string>;

/** Creates one, deletes it, or gives it other attributes. */
const works = (present: Filesystem): fc.Arbitrary<Work> =>
  fc.oneof(
    fc.constant<Work>(async (tx) => {
      await tx.markDeleting(present.id);
      return present.id;
    }),
    attributes.map(
      ([scope, project]): Work =>
        async (tx) => {
          const { id } = await tx.create({
            name: 'new',
            owner: 'p1',
            attributes: { scope, project, size: parseSize('1Gb') },
          });
          return id;
        },
    ),
    attributes.map(
      ([scope, project]): Work =>
        async (tx) => {
          const endConnections = scope !== 'instance';
          await tx.change(present.id, { attributes: { ...present, scope, project }, endConnections, withdraws: true });
          return present.id;
        },
    ),
  );

describe('foretell', () => {
  let stores: Stores;
  beforeAll(async () => {
    stores = await freshStores();
  });
  beforeEach(() => empty());
  afterAll(() => stores.close());

  const empty = () => stores.database.query('truncate filesystems, instances, access_log cascade', []);
  const say = async (directory: readonly { readonly id: string }[]) => {
    stores.clock.advance(1_000);
    await stores.instances.apply(directory.map(({ id, ...each }) => anObservation(stores.clock, id, each)));
  };
  /** What the backend was last confirmed to let in: lines `filesystem address instance project`. */
  const entries = async (id?: string): Promise<readonly string[]> => {
    const rows = await stores.database.query<{ line: string }>(
      `select host(e.address) || ' ' || e.instance_id || ' ' || coalesce(i.project, '?') as line
       from access_entries e join instances i on i.id = e.instance_id where e.filesystem_id = $1 order by 1`,
      [id],
    );
    return rows.map(({ line }) => line);
  };
  const lines = (foretold: ForetoldAccess['granted']): readonly string[] =>
    foretold.map(({ address, instanceId, project }) => `${address} ${instanceId} ${project ?? '?'}`).toSorted();
  const without = (list: readonly string[], other: readonly string[]) => list.filter((each) => !other.includes(each));

  it('tells exactly what the reconciler then does, and changes nothing, whatever is under way', async () => {
    await fc.assert(
      fc.asyncProperty(
        directories,
        directories,
        attributes,
        connections,
        fc.boolean(),
        fc.gen(),
        async (first, then, [scope, project], connected, settled, gen) => {
          await empty();
          const present = await aFilesystem(stores, { scope, project, owner: 'p1' });
          await say(first);
          await settleAll(stores);
          await say(then);
          if (scope === 'instance') await connect(present.id, connected);
          if (settled) await settleAll(stores);
          const work = gen(() => works(present));

          const before = await wholeDatabase(stores.database);
          const foretold = await stores.filesystems.foretell('spec', work);
          expect(await wholeDatabase(stores.database)).toEqual(before);

          const had = await entries(present.id);
          const id = await stores.filesystems.transaction('spec', work);
          await settleAll(stores);
          const has = await entries(id);
          const hadIt = id === present.id ? had : [];
          expect(lines(foretold.granted)).toEqual(without(has, hadIt));
          expect(lines(foretold.withdrawn)).toEqual(without(hadIt, has));
        },
      ),
      { numRuns: 100 },
    );
  });

  it('notifies nobody', async () => {
    const { id } = await aFilesystem(stores);
    const listener = new Client({ connectionString: stores.url });
    await listener.connect();
    const heard: unknown[] = [];
    const last = new Promise<void>((resolve) => {
      listener.on('notification', ({ payload }) => {
        heard.push(payload);
        if (payload === 'last') resolve();
      });
    });
    await listener.query('listen shared_filesystem');
    await stores.filesystems.foretell('spec', async (tx) => {
      await tx.markDeleting(id);
      return id;
    });
    await stores.database.query(`select pg_notify('shared_filesystem', 'last')`, []);
    await last;
    await listener.end();
    expect(heard).toEqual(['last']);
  });

  it('changes nothing when the work throws, and throws that', async () => {
    const { id } = await aFilesystem(stores);
    const before = await wholeDatabase(stores.database);
    const refused = stores.filesystems.foretell('spec', async (tx) => {
      await tx.markDeleting(id);
      throw new Error('refused');
    });
    await expect(refused).rejects.toThrow('refused');
    expect(await wholeDatabase(stores.database)).toEqual(before);
  });

  it('leaves a claim that is held alone', async () => {
    const { id } = await aFilesystem(stores);
    await say([{ id: 'a' }]);
    const [claim] = await stores.work.claim(
      { name: 'default', fingerprint: 'settings' },
      { short: 1, long: 1, purge: 0 },
    );
    await stores.filesystems.foretell('spec', async (tx) => {
      await tx.markDeleting(id);
      return id;
    });
    expect(claim && (await stores.work.wanted(claim))).toMatchObject({ filesystem: { id, deletionWanted: false } });
  });

  async function connect(id: string, instanceIds: readonly string[]): Promise<void> {
    await stores.filesystems.transaction('spec', async (tx) => {
      for (const instanceId of instanceIds)
        if ((await tx.instance(instanceId))?.state === 'live')
          await tx.connect(id, instanceId, { userId: null, projectId: 'p1' });
    });
  }
});
