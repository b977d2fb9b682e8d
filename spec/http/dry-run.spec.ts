import { writeFile } from 'node:fs/promises';
import * as fc from 'fast-check';
import { ADMIN, type Api, type Entry, MEMBER, type Method, type SendOptions, startApi } from '../support/api';
import { wholeDatabase } from '../support/whole-database';

const OTHER = { ...MEMBER, projectId: 'other' };
const READER = { ...MEMBER, roles: ['reader'] };
const OWNING_ADMIN = { tenant: 'demo', as: ADMIN };
const WAIT = { Prefer: 'wait=10' };
const NOTHING = { addresses: 0, instances: 0, entries: [] };

describe('a dry run', () => {
  let api: Api;
  let number = 0;
  beforeAll(async () => {
    api = await startApi();
    await api.live('mine', 'demo', '10.0.0.10', '10.0.0.9');
    await api.live('mine-too', 'demo', '10.0.0.2');
    await api.live('theirs', 'other', '10.0.1.1');
  });
  afterAll(() => api.stop());

  const fresh = () => `fs-${++number}`;
  const make = async (entry: object, as: SendOptions['as'] = MEMBER): Promise<string> => {
    const name = fresh();
    await api.make(name, { size: '1Gb', ...entry }, as ?? MEMBER);
    return name;
  };
  const put = (name: string, entry: Entry, options: SendOptions = {}, query = '?dry_run=1') =>
    api.send('put', `/os-filesystem/${name}${query}`, { ...options, body: { fs_entry: { size: '1Gb', ...entry } } });
  const remove = (name: string, options: SendOptions = {}, query = '?dry_run=1') =>
    api.send('delete', `/os-filesystem/${name}${query}`, options);
  const MINE = [
    { address: '10.0.0.2', instance: 'mine-too' },
    { address: '10.0.0.9', instance: 'mine' },
    { address: '10.0.0.10', instance: 'mine' },
  ];

  describe('PUT /os-filesystem/{name}?dry_run=1', () => {
    it('tells who would be let in, by address as a number, and creates nothing', async () => {
      const name = fresh();
      const { status, body, headers } = await put(name, { scope: 'project' });
      expect([status, body]).toEqual([
        200,
        { dry_run: { added: { addresses: 3, instances: 2, entries: MINE }, removed: NOTHING } },
      ]);
      expect(headers).not.toHaveProperty('location');
      expect(headers).not.toHaveProperty('etag');
      expect((await api.send('get', `/os-filesystem/${name}`)).status).toBe(404);
    });

    it('tells who would be let in no more when the scope changes', async () => {
      const name = await make({ scope: 'project' });
      const answer = await put(name, { scope: 'instance' });
      expect(answer.body).toEqual({
        dry_run: { added: NOTHING, removed: { addresses: 3, instances: 2, entries: MINE } },
      });
      expect((await api.send('get', `/os-filesystem/${name}`)).body.fs_entry).toMatchObject({
        scope: 'project',
        access: { entitled: 3, applied: 3, state: 'current' },
      });
    });

    it('tells of nothing when nothing would change of who is let in', async () => {
      const name = await make({ scope: 'project' });
      expect((await put(name, { scope: 'project' })).body).toEqual({ dry_run: { added: NOTHING, removed: NOTHING } });
      const larger = await put(name, { scope: 'project', size: '2Gb' });
      expect(larger.body).toEqual({ dry_run: { added: NOTHING, removed: NOTHING } });
    });

    it('does not wait, and does not say that it does', async () => {
      const { status, headers } = await put(fresh(), { scope: 'project' }, { headers: WAIT });
      expect(status).toBe(200);
      expect(headers).not.toHaveProperty('preference-applied');
    });

    it('counts and shows a member instances of his own project alone', async () => {
      const name = await make({ scope: 'instance' });
      for (const id of ['mine', 'theirs'])
        await api.send('put', `/os-filesystem/${name}/instances/${id}`, { ...OWNING_ADMIN, headers: WAIT });
      const toMember = (await put(name, { scope: 'project' })).body.dry_run;
      expect(toMember).toEqual({ added: { addresses: 1, instances: 1, entries: MINE.slice(0, 1) }, removed: NOTHING });
      const toAdmin = (await put(name, { scope: 'project' }, OWNING_ADMIN)).body.dry_run;
      expect(toAdmin).toEqual({
        added: toMember.added,
        removed: { addresses: 1, instances: 1, entries: [{ address: '10.0.1.1', instance: 'theirs' }] },
      });
    });

    it('does not tell an owner of those of the project that it is granted to', async () => {
      const name = await make({ scope: 'project', project: 'other' }, { ...ADMIN, projectId: 'demo' });
      const answer = await put(name, { scope: 'instance' });
      expect(answer.body).toEqual({ dry_run: { added: NOTHING, removed: NOTHING } });
      expect((await put(name, { scope: 'instance' }, OWNING_ADMIN)).body.dry_run.removed.addresses).toBe(1);
    });

    it('answers a size below the last known use with 409, and asks for no count', async () => {
      const name = await make({ scope: 'project' });
      const [{ id }] = (await api.database.query('select id from filesystems where name = $1', [name])) as [Entry];
      await writeFile(`${api.folder}/volumes/${id}/data`, Buffer.alloc(3_000_000, 'x'));
      await api.database.query('update filesystems set used_bytes = 0 where name = $1', [name]);
      expect((await put(name, { scope: 'project', size: '2Mb' })).status).toBe(200);
      await api.database.query('update filesystems set used_bytes = 3000000 where name = $1', [name]);
      const answer = await put(name, { scope: 'project', size: '2Mb' });
      expect([answer.status, answer.body.conflictingRequest.message]).toEqual([409, expect.stringMatching(/3000000/)]);
    });

    it.each<[what: string, send: (name: string, query: string) => ReturnType<typeof put>, status: number]>([
      ['a body that is none', (name, query) => put(name, { scope: 'world' }, {}, query), 400],
      ['a name that cannot be', (_, query) => put('.x', { scope: 'project' }, {}, query), 400],
      ['a reader', (name, query) => put(name, { scope: 'project' }, { as: READER }, query), 403],
      ['a member and scope global', (name, query) => put(name, { scope: 'global' }, {}, query), 403],
      ['another project', (name, query) => put(name, { scope: 'project', project: 'other' }, {}, query), 403],
      ['a name that is somebody else’s', (name, query) => put(name, { scope: 'project' }, { as: OTHER }, query), 409],
      ['the URL of another', (name, query) => put(name, { scope: 'project' }, { as: ADMIN }, query), 409],
      [
        'a name that is taken',
        (name, query) => put(name, { scope: 'project' }, { headers: { 'If-None-Match': '*' } }, query),
        412,
      ],
      [
        'an outdated ETag',
        (name, query) => put(name, { scope: 'project' }, { headers: { 'If-Match': '"7-x"' } }, query),
        412,
      ],
    ])('refuses %s as the request itself does', async (_what, send, status) => {
      const name = await make({ scope: 'project' });
      const dry = await send(name, '?dry_run=1');
      const real = await send(name, '');
      expect([dry.status, dry.body]).toEqual([real.status, real.body]);
      expect(dry.status).toBe(status);
    });

    it('is 409 with Retry-After while it is being deleted', async () => {
      const name = await make({ scope: 'project' });
      await api.database.query('update filesystems set deletion_wanted = now(), failed = true where name = $1', [name]);
      const answer = await put(name, { scope: 'project' });
      expect([answer.status, answer.headers['retry-after']]).toEqual([409, expect.stringMatching(/^\d+$/)]);
    });

    it('leaves one on status error as it is', async () => {
      const name = await make({ scope: 'project' });
      await api.database.query(
        `update filesystems set failed = true, fault_message = 'no', fault_created = now() where name = $1`,
        [name],
      );
      expect((await put(name, { scope: 'project' })).status).toBe(200);
      const entry = (await api.send('get', `/os-filesystem/${name}`)).body.fs_entry;
      expect(entry).toMatchObject({ status: 'error', fault: { message: 'no' } });
    });

    it('shows the first 1,000 entries and counts all', async () => {
      const addresses = Array.from({ length: 150 }, (_, index) =>
        Array.from({ length: 8 }, (__, more) => `10.${64 + more}.0.${index + 1}`),
      );
      await api.extension.instances.report(
        addresses.map((own, index) => ({ id: `many-${index}`, project: 'many', state: 'live', addresses: own })),
      );
      const { added } = (await put(fresh(), { scope: 'project' }, { as: { ...MEMBER, projectId: 'many' } })).body
        .dry_run;
      expect([added.addresses, added.instances, added.entries.length]).toEqual([1_200, 150, 1_000]);
      expect(added.entries[0]).toEqual({ address: '10.64.0.1', instance: 'many-0' });
      expect(added.entries[999]).toEqual({ address: '10.70.0.100', instance: 'many-99' });
      await api.extension.instances.report(addresses.map((_, index) => ({ id: `many-${index}`, state: 'gone' })));
    });
  });

  describe('DELETE /os-filesystem/{name}?dry_run=1', () => {
    it('tells who would be let in no more, and deletes nothing', async () => {
      const name = await make({ scope: 'project' });
      const { status, body } = await remove(name, { headers: WAIT });
      expect([status, body]).toEqual([
        200,
        { dry_run: { added: NOTHING, removed: { addresses: 3, instances: 2, entries: MINE } } },
      ]);
      expect((await api.send('get', `/os-filesystem/${name}`)).body.fs_entry.status).toBe('available');
    });

    it('tells of nothing that is still let in when it is being deleted already', async () => {
      const name = await make({ scope: 'project' });
      await api.database.query(
        `update filesystems set deletion_wanted = now(), failed = true, next_attempt = null where name = $1`,
        [name],
      );
      expect((await remove(name)).body.dry_run.removed.addresses).toBe(3);
    });

    it.each<[what: string, options: SendOptions, status: number]>([
      ['a reader', { as: READER }, 403],
      ['a stranger', { as: OTHER }, 404],
      ['the URL of another', { as: ADMIN }, 409],
      ['an outdated ETag', { headers: { 'If-Match': '"7-x"' } }, 412],
    ])('refuses %s as the request itself does', async (_what, options, status) => {
      const name = await make({ scope: 'project' });
      const dry = await remove(name, options);
      const real = await remove(name, options, '');
      expect([dry.status, dry.body]).toEqual([real.status, real.body]);
      expect(dry.status).toBe(status);
    });

    it('is 404 where there is none', async () => {
      expect((await remove('none')).status).toBe(404);
      expect((await remove('-x')).status).toBe(404);
    });
  });

  it.each<[Method, string]>([
    ['put', '?dry_run='],
    ['put', '?dry_run'],
    ['put', '?dry_run=2'],
    ['put', '?dry_run=1&dry_run=1'],
    ['put', '?dry_run=1&x=1'],
    ['put', '?dry-run=1'],
    ['delete', '?dry_run=ja'],
    ['delete', '?dry_run=1&explain=1'],
    ['get', '?dry_run=1'],
  ])('is 400 for %s %s', async (method, query) => {
    const name = await make({ scope: 'project' });
    const body = method === 'put' ? { fs_entry: { size: '1Gb', scope: 'project' } } : undefined;
    const answer = await api.send(method, `/os-filesystem/${name}${query}`, { body });
    expect([answer.status, Object.keys(answer.body)]).toEqual([400, ['badRequest']]);
    expect((await api.send('get', `/os-filesystem/${name}`)).body.fs_entry.status).toBe('available');
  });

  it('is none with dry_run=0', async () => {
    const name = fresh();
    expect((await put(name, { scope: 'project' }, {}, '?dry_run=0')).status).toBe(201);
    expect((await remove(name, {}, '?dry_run=no')).status).toBe(202);
  });

  it('works under the path of the original client too', async () => {
    const body = { fs_entry: { size: '1Gb', scope: 'project' } };
    const answer = await api.send('put', `/os-shared-filesystem/${fresh()}?dry_run=on`, { body });
    expect([answer.status, answer.body.dry_run.added.addresses]).toEqual([200, 3]);
  });

  it('foretells exactly what the request then does', async () => {
    const instances = fc.uniqueArray(
      fc.record({
        id: fc.constantFrom('r1', 'r2', 'r3', 'r4'),
        project: fc.constantFrom('demo', 'other'),
        state: fc.constantFrom('live' as const, 'live' as const, 'suspended' as const),
        addresses: fc.uniqueArray(fc.constantFrom('10.5.0.1', '10.5.0.2', '10.5.0.3', 'fd00::5'), { maxLength: 3 }),
      }),
      { selector: ({ id }) => id, minLength: 1 },
    );
    const entries = fc.constantFrom(
      { scope: 'global' },
      { scope: 'project' },
      { scope: 'project', project: 'other' },
      { scope: 'instance' },
    );
    await fc.assert(
      fc.asyncProperty(instances, entries, fc.option(entries), async (reports, first, second) => {
        expect(await api.extension.instances.report(reports, { waitSeconds: 30 })).toEqual([]);
        const as = { ...ADMIN, projectId: 'demo' };
        const name = await make(first, as);
        const ask = (query: string, options: SendOptions = {}) =>
          second ? put(name, second, { as, ...options }, query) : remove(name, { as, ...options }, query);
        const had = await letIn(name);
        const { added, removed } = (await ask('?dry_run=1')).body.dry_run;
        expect((await ask('', { headers: WAIT })).status).toBeLessThan(300);
        const has = await letIn(name);
        expect(linesOf(added)).toEqual(has.filter((line) => !had.includes(line)));
        expect(linesOf(removed)).toEqual(had.filter((line) => !has.includes(line)));
        await remove(name, { as }, '');
      }),
      { numRuns: 15 },
    );
  });

  const letIn = async (name: string): Promise<readonly string[]> => {
    const rows = await api.database.query<{ line: string }>(
      `select host(e.address) || ' ' || e.instance_id as line
       from access_entries e join filesystems f on f.id = e.filesystem_id where f.name = $1 and f.retired is null`,
      [name],
    );
    return rows.map(({ line }) => line).toSorted();
  };
  const linesOf = ({ entries }: Entry): readonly string[] =>
    entries.map(({ address, instance }: Entry) => `${address} ${instance}`).toSorted();
});

describe('a dry run where nothing else is done', () => {
  let api: Api;
  beforeAll(async () => {
    api = await startApi({ backends: [] });
    await api.extension.instances.report([{ id: 'mine', project: 'demo', state: 'live', addresses: ['10.0.0.1'] }]);
    const body = { fs_entry: { size: '1Gb', scope: 'project' } };
    await api.send('put', '/os-filesystem/there', { body });
  });
  afterAll(() => api.stop());

  it.each<[Method, string, object | undefined, number]>([
    ['put', 'free', { size: '1Gb', scope: 'project' }, 200],
    ['put', 'there', { size: '2Gb', scope: 'instance' }, 200],
    ['put', 'there', { size: '1Gb', scope: 'global' }, 403],
    ['delete', 'there', undefined, 200],
    ['delete', 'free', undefined, 404],
  ])('leaves the database as it is: %s %s %j', async (method, name, entry, status) => {
    const before = await wholeDatabase(api.database);
    const answer = await api.send(method, `/os-filesystem/${name}?dry_run=1`, { body: entry && { fs_entry: entry } });
    expect(answer.status).toBe(status);
    expect(await wholeDatabase(api.database)).toEqual(before);
  });
});
