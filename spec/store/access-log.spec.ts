import { randomUUID } from 'node:crypto';
import type { Viewer } from '../../lib/ports/viewer';
import { claimOne, settle, settleAll } from '../support/settle';
import { aFilesystem, anObservation, freshStores, type Stores } from '../support/stores';

const ADMIN: Viewer = { isAdmin: true, projectId: 'admin' };
const member = (projectId: string): Viewer => ({ isAdmin: false, projectId });
const NOON = new Date('2026-11-24T12:00:00Z');
/** So many milliseconds after noon. */
const at = (milliseconds: number): Date => new Date(NOON.getTime() + milliseconds);
const RUNNING = new AbortController().signal;

let stores: Stores;
beforeEach(async () => {
  stores = await freshStores();
});
afterEach(() => stores.close());

interface Row {
  readonly instance?: string | null;
  readonly address?: string;
  readonly granted?: boolean;
  readonly time?: Date;
  readonly project?: string | null;
}

/** Writes rows as runs of the reconciler leave them, in that order. */
async function write(filesystemId: string, ...rows: readonly Row[]): Promise<void> {
  for (const { instance = 'vm', address = '10.0.0.1', granted = true, time = NOON, project = 'demo' } of rows)
    await stores.database.query(
      `insert into access_log (filesystem_id, instance_id, address, granted, project, cause, revision, time)
       values ($1, $2, $3, $4, $5, 'spec', 1, $6)`,
      [filesystemId, instance, address, granted, project, time],
    );
}

/** What the log has, a line a row. */
async function lines(filesystemId: string): Promise<readonly string[]> {
  const rows = await stores.accessLog.list(filesystemId, ADMIN, { limit: 10_000 });
  return rows.map(({ instanceId, address, granted }) => `${granted ? '+' : '-'}${instanceId} ${address}`);
}

describe('what a run writes to the log', () => {
  const rows = async (filesystemId: string) =>
    stores.database.query(
      `select instance_id as instance, granted, project, cause from access_log where filesystem_id = $1 order by id`,
      [filesystemId],
    );
  const say = (instanceId: string, cause: string, said: Parameters<typeof anObservation>[2]) =>
    stores.instances.apply([{ ...anObservation(stores.clock, instanceId, said), cause }]);

  it('has each instance’s own event as the cause, and its project, however many a run brings about', async () => {
    const { id } = await aFilesystem(stores);
    await settleAll(stores);
    stores.clock.advance(1);
    await say('a', 'create.end', { project: 'alpha', addresses: ['10.0.0.1'] });
    stores.clock.advance(1);
    await say('b', 'update', { project: 'beta', addresses: ['10.0.0.2'] });
    await settleAll(stores);
    expect(await rows(id)).toEqual([
      { instance: 'a', granted: true, project: 'alpha', cause: 'create.end a' },
      { instance: 'b', granted: true, project: 'beta', cause: 'update b' },
    ]);
  });

  it('has the request as the cause of what an older event did not bring about', async () => {
    const { id, name } = await aFilesystem(stores, { scope: 'global' });
    await say('vm', 'create.end', { addresses: ['10.0.0.1'] });
    await settleAll(stores);
    stores.clock.advance(1);
    await stores.filesystems.transaction('req-1', async (tx) => {
      const filesystem = await tx.lock(name);
      if (!filesystem) throw new Error('it went');
      await tx.change(id, {
        attributes: { size: filesystem.size, scope: 'instance', project: null },
        endConnections: false,
        withdraws: true,
      });
    });
    await settleAll(stores);
    expect(await rows(id)).toEqual([
      { instance: 'vm', granted: true, project: 'demo', cause: 'create.end vm' },
      { instance: 'vm', granted: false, project: 'demo', cause: 'req-1' },
    ]);
  });

  it('has another instance’s event as the cause when that took the address into dispute', async () => {
    const { id } = await aFilesystem(stores, { scope: 'project', owner: 'demo' });
    await say('vm', 'create.end', { addresses: ['10.0.0.1'] });
    await settleAll(stores);
    stores.clock.advance(1);
    await say('rival', 'update', { project: 'other', addresses: ['10.0.0.1'] });
    await settleAll(stores);
    expect((await rows(id)).at(-1)).toEqual({
      instance: 'vm',
      granted: false,
      project: 'demo',
      cause: 'update rival',
    });
  });

  it('does not have as the cause what was said while the run was under way', async () => {
    const { id } = await aFilesystem(stores);
    await settleAll(stores);
    await say('vm', 'create.end', { addresses: ['10.0.0.1'] });
    const claim = await claimOne(stores);
    const wanted = await stores.work.wanted(claim);
    if (!wanted) throw new Error('the lease is lost');
    stores.clock.advance(1);
    await say('vm', 'delete.start', { state: 'gone' });
    const applied = new Set(wanted.access.addresses);
    const release = { pause: 0, grantPause: 0, retryAfter: null };
    await stores.work.settleAccess(claim, wanted, { applied, refused: new Map(), complete: true }, release);
    await settleAll(stores);
    expect(await rows(id)).toMatchObject([
      { granted: true, cause: 'create.end vm' },
      { granted: false, cause: 'delete.start vm' },
    ]);
  });

  it('has no project where none is known', async () => {
    const { id } = await aFilesystem(stores);
    const { project: _, ...said } = anObservation(stores.clock, 'vm', { addresses: ['10.0.0.1'] });
    await stores.instances.apply([said]);
    await settleAll(stores);
    expect(await rows(id)).toEqual([{ instance: 'vm', granted: true, project: null, cause: 'spec vm' }]);
  });

  it('has nothing of a run whose lease is lost', async () => {
    const { id } = await aFilesystem(stores);
    await say('vm', 'create.end', { addresses: ['10.0.0.1'] });
    const claim = await claimOne(stores);
    await stores.work.giveBack([claim]);
    expect(await settle(stores, claim)).toBe(false);
    expect(await rows(id)).toEqual([]);
  });
});

describe('list', () => {
  it('has every row once in pages, also where all have the same time', async () => {
    const id = randomUUID();
    const instances = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    await write(id, ...instances.map((instance) => ({ instance })));
    await write(randomUUID(), { instance: 'of another filesystem' });
    const seen: (string | null)[] = [];
    let marker: { time: Date; id: bigint } | undefined;
    for (;;) {
      const page = await stores.accessLog.list(id, ADMIN, { marker, limit: 2 });
      seen.push(...page.map(({ instanceId }) => instanceId));
      marker = page.at(-1);
      if (page.length < 2) break;
    }
    expect(seen).toEqual(instances);
  });

  it('goes on behind a row that has gone, and behind one whose time was finer than a millisecond', async () => {
    const id = randomUUID();
    await write(id, { instance: 'a' }, { instance: 'b' }, { instance: 'c' });
    await stores.database.query(`update access_log set time = '2026-11-24T12:00:00.000400Z'`, []);
    const [first, second] = await stores.accessLog.list(id, ADMIN, { limit: 2 });
    await stores.database.query(`delete from access_log where instance_id = 'b'`, []);
    const rest = await stores.accessLog.list(id, ADMIN, { marker: second, limit: 10 });
    expect(rest.map(({ instanceId }) => instanceId)).toEqual(['c']);
    expect(first?.time).toEqual(NOON);
  });

  it('is in the order of time', async () => {
    const id = randomUUID();
    await write(id, { instance: 'late', time: at(2) }, { instance: 'early', time: at(1) });
    expect(await lines(id)).toEqual(['+early 10.0.0.1', '+late 10.0.0.1']);
  });

  it('takes in what is at `since`, and leaves out what is at `until`', async () => {
    const id = randomUUID();
    await write(id, ...[0, 1, 2, 3].map((time) => ({ instance: `at-${time}`, time: at(time) })));
    const ids = async (query: object) =>
      (await stores.accessLog.list(id, ADMIN, { limit: 10, ...query })).map(({ instanceId }) => instanceId);
    expect(await ids({ since: at(1), until: at(3) })).toEqual(['at-1', 'at-2']);
    expect(await ids({ since: at(1), until: at(1) })).toEqual([]);
    // whichever is later
    expect(await ids({ since: at(1), marker: { time: at(0), id: 0n } })).toEqual(['at-1', 'at-2', 'at-3']);
    const [, , marker] = await stores.accessLog.list(id, ADMIN, { limit: 3 });
    expect(await ids({ since: at(1), marker })).toEqual(['at-3']);
  });

  it('finds an instance, an address, and the two together', async () => {
    const id = randomUUID();
    await write(
      id,
      { instance: 'a', address: 'fd00::1' },
      { instance: 'a', address: '10.0.0.2' },
      { instance: 'b', address: 'fd00::1', granted: false },
    );
    const found = async (query: object) =>
      (await stores.accessLog.list(id, ADMIN, { limit: 10, ...query })).map(
        ({ instanceId, address }) => `${instanceId} ${address}`,
      );
    expect(await found({ instanceId: 'a' })).toEqual(['a fd00::1', 'a 10.0.0.2']);
    expect(await found({ address: 'fd00::1' })).toEqual(['a fd00::1', 'b fd00::1']);
    expect(await found({ address: 'fd00::1', instanceId: 'b' })).toEqual(['b fd00::1']);
    expect(await found({ instanceId: 'c' })).toEqual([]);
  });

  it('shows a member the rows of his project alone, an administrator all', async () => {
    const id = randomUUID();
    await write(id, { instance: 'mine' }, { instance: 'theirs', project: 'other' }, { instance: 'x', project: null });
    const ids = async (viewer: Viewer) =>
      (await stores.accessLog.list(id, viewer, { limit: 10 })).map(({ instanceId }) => instanceId);
    expect(await ids(member('demo'))).toEqual(['mine']);
    expect(await ids(member('other'))).toEqual(['theirs']);
    expect(await ids(ADMIN)).toEqual(['mine', 'theirs', 'x']);
  });
});

describe('at', () => {
  const letIn = async (id: string, time: Date, viewer = ADMIN): Promise<Record<string, readonly string[]>> => {
    const rows = await stores.accessLog.at(id, viewer, time, { limit: 100 });
    return Object.fromEntries(rows.map(({ instanceId, addresses }) => [instanceId, addresses]));
  };

  it('follows a grant, a withdrawal and another grant', async () => {
    const id = randomUUID();
    await write(id, { time: at(10) }, { granted: false, time: at(20) }, { time: at(30) });
    expect(await letIn(id, at(9))).toEqual({});
    expect(await letIn(id, at(10))).toEqual({ vm: ['10.0.0.1'] });
    expect(await letIn(id, at(19))).toEqual({ vm: ['10.0.0.1'] });
    expect(await letIn(id, at(20))).toEqual({});
    expect(await letIn(id, at(29))).toEqual({});
    expect(await letIn(id, at(30))).toEqual({ vm: ['10.0.0.1'] });
    expect(await letIn(randomUUID(), at(30))).toEqual({});
  });

  it('has the addresses that were in, sorted as numbers', async () => {
    const id = randomUUID();
    await write(
      id,
      { address: 'fd00::1' },
      { address: '10.0.0.10' },
      { address: '10.0.0.9' },
      { address: '10.0.0.1' },
      { address: '10.0.0.1', granted: false, time: at(1) },
    );
    expect(await letIn(id, at(1))).toEqual({ vm: ['10.0.0.9', '10.0.0.10', 'fd00::1'] });
  });

  it('goes by the order of the runs where the clocks of two processes disagree', async () => {
    const id = randomUUID();
    await write(id, { time: at(5) }, { granted: false, time: at(3) });
    expect(await letIn(id, at(10))).toEqual({});
  });

  it('shows a member what was in of his project alone, also when the instance has moved since', async () => {
    const id = randomUUID();
    await write(
      id,
      { instance: 'mine', address: '10.0.0.1' },
      { instance: 'theirs', address: '10.0.0.2', project: 'other' },
      { instance: 'moved', address: '10.0.0.3' },
      { instance: 'moved', address: '10.0.0.3', granted: false, project: 'other', time: at(10) },
      { instance: 'moved', address: '10.0.0.3', project: 'other', time: at(20) },
    );
    expect(Object.keys(await letIn(id, at(0), member('demo')))).toEqual(['mine', 'moved']);
    expect(Object.keys(await letIn(id, at(10), member('demo')))).toEqual(['mine']);
    expect(Object.keys(await letIn(id, at(20), member('demo')))).toEqual(['mine']);
    expect(Object.keys(await letIn(id, at(20), member('other')))).toEqual(['moved', 'theirs']);
    expect(Object.keys(await letIn(id, at(20)))).toEqual(['mine', 'moved', 'theirs']);
  });

  it('comes in pages by id, and passes over thousands that were out', async () => {
    const id = randomUUID();
    await stores.database.query(
      `insert into access_log (filesystem_id, instance_id, address, granted, project, revision, time)
       select $1, 'vm-' || lpad(n::text, 4, '0'), inet '10.0.0.0' + n, granted, 'demo', 1, $2
       from generate_series(1, 2500) as n, (values (1, true), (2, false)) as v(run, granted)
       -- two in a thousand stay
       where granted or n % 500 <> 0
       order by run, n`,
      [id, NOON],
    );
    for (const viewer of [ADMIN, member('demo')]) {
      const page = async (marker: string | undefined, limit: number) =>
        (await stores.accessLog.at(id, viewer, NOON, { marker, limit })).map(({ instanceId }) => instanceId);
      expect(await page(undefined, 2)).toEqual(['vm-0500', 'vm-1000']);
      expect(await page('vm-1000', 2)).toEqual(['vm-1500', 'vm-2000']);
      expect(await page('vm-2000', 2)).toEqual(['vm-2500']);
      expect(await page('vm-2500', 2)).toEqual([]);
      expect(await page(undefined, 100)).toHaveLength(5);
    }
  });

  it('knows a deleted instance that the directory has forgotten', async () => {
    const { id } = await aFilesystem(stores);
    const { clock } = stores;
    await stores.instances.apply([anObservation(clock, 'vm', { addresses: ['10.0.0.1'] })]);
    await settleAll(stores);
    const then = clock.now();
    clock.advance(1_000);
    await stores.instances.apply([anObservation(clock, 'vm', { state: 'gone' })]);
    await settleAll(stores);
    clock.advance(1_000);
    expect(await stores.instances.prune(clock.now())).toBe(1);
    expect(await letIn(id, then)).toEqual({ vm: ['10.0.0.1'] });
    expect(await letIn(id, clock.now())).toEqual({});
    expect(await letIn(id, then, member('demo'))).toEqual({ vm: ['10.0.0.1'] });
    expect(await lines(id)).toEqual(['+vm 10.0.0.1', '-vm 10.0.0.1']);
  });
});

describe('prune', () => {
  const prune = (time: Date) => stores.accessLog.prune(time, RUNNING);

  it('removes an old withdrawal with its grant, and keeps what is not older', async () => {
    const id = randomUUID();
    await write(id, { time: at(1) }, { granted: false, time: at(2) }, { time: at(3) }, { granted: false, time: at(4) });
    expect(await prune(at(1))).toBe(0);
    expect(await prune(at(3))).toBe(2);
    expect(await lines(id)).toEqual(['+vm 10.0.0.1', '-vm 10.0.0.1']);
    expect(await prune(at(5))).toBe(2);
    expect(await lines(id)).toEqual([]);
  });

  it('keeps the grant of who is in still, however old, or who was withdrawn since', async () => {
    const id = randomUUID();
    await write(
      id,
      { instance: 'still in', time: at(1) },
      { instance: 'out since', time: at(1) },
      { instance: 'out since', granted: false, time: at(5) },
    );
    expect(await prune(at(5))).toBe(0);
    expect(await lines(id)).toHaveLength(3);
    expect(await prune(at(6))).toBe(2);
    expect(await lines(id)).toEqual(['+still in 10.0.0.1']);
  });

  it('keeps of several old grants the last', async () => {
    const id = randomUUID();
    await write(id, { time: at(1) }, { granted: false, time: at(2) }, { time: at(3) });
    expect(await prune(at(10))).toBe(2);
    expect(await stores.accessLog.list(id, ADMIN, { limit: 10 })).toMatchObject([{ granted: true, time: at(3) }]);
  });

  it('keeps of addresses that no instance had those that are in still, and removes the others', async () => {
    const id = randomUUID();
    const foreign = (address: string, granted: boolean, time: Date) => ({ instance: null, address, granted, time });
    await write(
      id,
      foreign('10.0.0.1', true, at(1)),
      foreign('10.0.0.2', true, at(1)),
      foreign('10.0.0.2', false, at(2)),
      foreign('10.0.0.3', true, at(1)),
      foreign('10.0.0.3', false, at(6)),
      { instance: 'vm', address: '10.0.0.1', granted: false, time: at(3) },
    );
    expect(await prune(at(5))).toBe(3);
    expect(await lines(id)).toEqual(['+null 10.0.0.1', '+null 10.0.0.3', '-null 10.0.0.3']);
  });

  it('takes rows of another address, instance or filesystem for no successor', async () => {
    const [one, other] = [randomUUID(), randomUUID()];
    await write(one, { time: at(1) }, { address: '10.0.0.2', time: at(2) }, { instance: 'b', time: at(2) });
    await write(other, { time: at(2) });
    expect(await prune(at(10))).toBe(0);
  });

  it('leaves no grant alone when the withdrawal’s clock was behind', async () => {
    const id = randomUUID();
    await write(id, { time: at(5) }, { granted: false, time: at(3) });
    expect(await prune(at(4))).toBe(0);
    expect(await prune(at(6))).toBe(2);
  });

  it('changes no answer of who was let in within what is kept', async () => {
    const id = randomUUID();
    let seed = 1;
    const random = (below: number) => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    const isIn = new Map<string, boolean>();
    for (let time = 0; time < 200; time += 1) {
      const instance = `vm-${random(5)}`;
      const address = `10.0.0.${random(3)}`;
      const key = `${instance} ${address}`;
      isIn.set(key, !isIn.get(key));
      await write(id, { instance, address, granted: isIn.get(key) === true, time: at(time) });
    }
    const answers = async (from: number) => {
      const found: unknown[] = [];
      for (let time = from; time <= 200; time += 10)
        found.push(await stores.accessLog.at(id, ADMIN, at(time), { limit: 100 }));
      return found;
    };
    const before = await answers(100);
    expect(await prune(at(100))).toBeGreaterThan(50);
    expect(await answers(100)).toEqual(before);
  });

  it('goes through thousands in steps, and stops when it is told to', async () => {
    const id = randomUUID();
    await stores.database.query(
      `insert into access_log (filesystem_id, instance_id, address, granted, project, revision, time)
       select $1, 'vm-' || n, inet '10.0.0.0' + n, granted, 'demo', 1, $2
       from generate_series(1, 1700) as n, (values (1, true), (2, false)) as v(run, granted)
       where granted or n > 100
       order by run, n`,
      [id, NOON],
    );
    expect(await stores.accessLog.prune(at(1), AbortSignal.abort())).toBe(0);
    expect(await prune(at(1))).toBe(3_200);
    expect(await lines(id)).toHaveLength(100);
    expect(await prune(at(1))).toBe(0);
  });
});
