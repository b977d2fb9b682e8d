import { ADMIN, type Api, MEMBER, type SendOptions, startApi } from '../support/api';

const OTHER = { ...MEMBER, projectId: 'other' };
const OWNING_ADMIN = { tenant: 'demo', as: ADMIN };
const WAIT = { Prefer: 'wait=10' };

describe('instances', () => {
  let api: Api;
  let number = 0;
  beforeAll(async () => {
    api = await startApi({ maxLimit: 2 });
    await api.live('mine', 'demo', '10.0.0.1', 'fd00::1');
    await api.live('theirs', 'other', '10.0.0.2');
  });
  afterAll(() => api.stop());

  const send = (method: 'get' | 'put' | 'delete', name: string, rest = '', options: SendOptions = {}) =>
    api.send(method, `/os-filesystem/${name}/instances${rest}`, options);
  const make = async (entry: object, as: SendOptions['as'] = MEMBER): Promise<string> => {
    number += 1;
    await api.make(`fs-${number}`, { size: '1Gb', ...entry }, as ?? MEMBER);
    return `fs-${number}`;
  };
  const ids = async (name: string, options: SendOptions = {}, query = '') =>
    (await send('get', name, query, options)).body.instance_entries.map(({ id }: { id: string }) => id);

  describe('of scope instance', () => {
    it('are connected, shown and removed', async () => {
      const name = await make({ scope: 'instance' });
      const connected = await send('put', name, '/mine', { headers: WAIT });
      expect(connected.status).toBe(201);
      expect(connected.headers).toMatchObject({
        location: `/v1.1/demo/os-filesystem/${name}/instances/mine`,
        'preference-applied': 'wait=10',
      });
      const entry = {
        id: 'mine',
        status: 'connected',
        addresses: ['10.0.0.1', 'fd00::1'],
        automatic: false,
        fault: null,
      };
      expect(connected.body).toEqual({ instance_entry: entry });
      expect((await send('get', name, '/mine')).body).toEqual({ instance_entry: entry });
      const again = await send('put', name, '/mine');
      expect([again.status, again.body]).toEqual([200, { instance_entry: { id: 'mine' } }]);
      expect(await ids(name)).toEqual(['mine']);

      const removed = await send('delete', name, '/mine', { headers: WAIT });
      expect([removed.status, removed.headers['preference-applied']]).toEqual([204, 'wait=10']);
      expect((await send('get', name, '/mine')).status).toBe(404);
      expect((await send('delete', name, '/mine')).status).toBe(404);
      expect(await ids(name)).toEqual([]);
    });

    it('take an empty body, and no other', async () => {
      const name = await make({ scope: 'instance' });
      for (const body of ['{}', 'null', ''])
        expect((await send('put', name, '/mine', { body })).status).toBeLessThan(202);
      for (const body of ['[]', '7', '{"a": 1}', '"x"'])
        expect((await send('put', name, '/mine', { body })).status).toBe(400);
    });

    it('must be live instances of the owner’s project, but for an administrator', async () => {
      const name = await make({ scope: 'instance' });
      expect((await send('put', name, '/theirs')).body.itemNotFound.message).toBe('Instance could not be found.');
      expect((await send('put', name, '/unknown')).status).toBe(404);
      expect((await send('put', name, '/unknown', OWNING_ADMIN)).status).toBe(404);
      expect((await send('put', name, '/theirs', OWNING_ADMIN)).status).toBe(201);
      expect((await send('put', name, '/mine', { as: ADMIN })).status).toBe(409);
      await api.live('ended', 'demo', '10.0.0.9');
      await api.gone('ended');
      expect((await send('put', name, '/ended')).status).toBe(404);
    });

    it('that are foreign show id and status to the owner, not their addresses, and he may remove them', async () => {
      const name = await make({ scope: 'instance' });
      await send('put', name, '/theirs', { ...OWNING_ADMIN, headers: WAIT });
      expect(await ids(name)).toEqual(['theirs']);
      expect((await send('get', name, '/theirs')).body.instance_entry).toEqual({
        id: 'theirs',
        status: 'connected',
        addresses: [],
        automatic: false,
        fault: null,
      });
      expect((await send('get', name, '/theirs', { as: ADMIN })).body.instance_entry.addresses).toEqual(['10.0.0.2']);
      expect((await send('delete', name, '/theirs')).status).toBe(202);
    });

    it('end their connection when they are deleted, and keep it when they are suspended', async () => {
      const name = await make({ scope: 'instance' });
      await api.live('short', 'demo', '10.0.0.21');
      await send('put', name, '/short', { headers: WAIT });
      await api.extension.instances.report([{ id: 'short', state: 'suspended' }], { waitSeconds: 30 });
      expect((await send('get', name, '/short')).status).toBe(404);
      await api.extension.instances.report([{ id: 'short', state: 'live' }], { waitSeconds: 30 });
      expect((await send('get', name, '/short')).body.instance_entry.status).toBe('connected');
      await api.gone('short');
      await api.live('short', 'demo', '10.0.0.21');
      expect((await send('get', name, '/short')).status).toBe(404);
      await api.gone('short');
    });

    it('are pending without an address, and in error when the address is also another’s', async () => {
      const name = await make({ scope: 'instance' });
      await api.live('bare', 'demo');
      await send('put', name, '/bare');
      expect((await send('get', name, '/bare')).body.instance_entry).toMatchObject({
        status: 'pending',
        addresses: [],
      });
      await api.live('bare', 'demo', '10.0.0.2');
      await send('put', name, '/mine', { headers: WAIT });
      expect((await send('get', name, '/bare')).body.instance_entry).toMatchObject({
        status: 'error',
        addresses: ['10.0.0.2'],
        fault: { message: expect.stringMatching(/claimed elsewhere/) },
      });
      expect(await ids(name, {}, '?status=error')).toEqual(['bare']);
      expect(await ids(name, {}, '?status=connected')).toEqual(['mine']);
      const { access } = (await api.send('get', `/os-filesystem/${name}`)).body.fs_entry;
      expect(access).toEqual({
        entitled: 3,
        applied: 2,
        state: 'current',
        message: expect.stringMatching(/1 address is kept out/),
      });
      await api.gone('bare');
    });

    it('are 403 for who sees the filesystem and may not manage it, 404 for who does not see it', async () => {
      const name = await make({ scope: 'instance' });
      const reader = { as: { ...MEMBER, roles: ['reader'] } };
      expect((await send('put', name, '/mine', reader)).status).toBe(403);
      expect((await send('put', name, '/theirs', { as: OTHER })).body.itemNotFound.message).toMatch(/Filesystem/);
    });

    it('are gone when the scope has left instance and come back', async () => {
      const name = await make({ scope: 'instance' });
      await send('put', name, '/mine', { headers: WAIT });
      await api.make(name, { size: '1Gb', scope: 'project' });
      expect((await send('get', name, '/mine')).body.instance_entry).toMatchObject({
        automatic: true,
        status: 'connected',
      });
      await api.make(name, { size: '1Gb', scope: 'instance' });
      expect(await ids(name)).toEqual([]);
    });
  });

  describe('of scopes project and global', () => {
    it('are there by themselves, those that the caller may see', async () => {
      const global = await make({ scope: 'global' }, ADMIN);
      expect(await ids(global)).toEqual(['mine']);
      expect(await ids(global, { as: OTHER })).toEqual(['theirs']);
      expect(await ids(global, { as: ADMIN })).toEqual(['mine', 'theirs']);
      expect((await send('get', global, '/theirs')).status).toBe(404);
      expect((await send('get', global, '/mine')).body.instance_entry).toMatchObject({
        automatic: true,
        status: 'connected',
      });
    });

    it('cannot be connected or removed by hand, and a foreign one looks like none', async () => {
      const name = await make({ scope: 'project' });
      expect((await send('put', name, '/mine')).status).toBe(200);
      const foreign = await send('put', name, '/theirs');
      const unknown = await send('put', name, '/unknown');
      expect([foreign.status, unknown.status]).toEqual([409, 409]);
      expect(foreign.body).toEqual(unknown.body);
      expect(foreign.body.conflictingRequest.message).toMatch(/follows its scope/);
      expect((await send('delete', name, '/mine')).status).toBe(409);
      expect((await send('delete', name, '/theirs')).status).toBe(404);
      expect((await send('delete', name, '/unknown')).status).toBe(404);
    });

    it('come in pages by id', async () => {
      for (const id of ['p1', 'p2', 'p3']) await api.live(id, 'paged', `10.9.0.${id.slice(1)}`);
      const as = { ...MEMBER, projectId: 'paged' };
      const name = await make({ scope: 'project' }, as);
      const first = (await send('get', name, '', { as })).body;
      expect(first.instance_entries).toEqual([{ id: 'p1' }, { id: 'p2' }]);
      expect(first.instance_entries_links).toEqual([
        { rel: 'next', href: `/v1.1/paged/os-filesystem/${name}/instances?marker=p2` },
      ]);
      const last = (await send('get', name, '?marker=p2', { as })).body;
      expect(last).toEqual({ instance_entries: [{ id: 'p3' }] });
    });

    it.each(['?status=', '?status=gone', '?limit=x', '?marker=', '?a=1', '?limit=1&limit=1'])(
      'are 400 for %s',
      async (query) => {
        const name = await make({ scope: 'project' });
        expect((await send('get', name, query)).status).toBe(400);
      },
    );
  });

  it.each(['a%2Fb', '%00', 'x'.repeat(65), 'a b'])('are 404 for the id %s', async (id) => {
    const name = await make({ scope: 'instance' });
    for (const method of ['get', 'put', 'delete'] as const)
      expect((await send(method, name, `/${encodeURI(decodeURI(id))}`)).status).toBe(404);
  });

  it('are served under the paths of the original client too', async () => {
    const name = await make({ scope: 'instance' });
    const path = `/os-shared-filesystem/${name}/attachments`;
    const connected = await api.send('put', `${path}/mine`);
    expect([connected.status, connected.headers.location]).toEqual([201, `/v1.1/demo${path}/mine`]);
    expect((await api.send('get', path)).body).toEqual({ instance_entries: [{ id: 'mine' }] });
    expect((await api.send('delete', `${path}/mine`)).status).toBe(202);
    expect((await api.send('get', `/os-shared-filesystem/${name}/instances`)).body).toEqual({ host: 'not found' });
  });
});
