import { ADMIN, type Api, type Entry, MEMBER, type SendOptions, startApi } from '../support/api';

const OTHER = { ...MEMBER, projectId: 'other' };
const READER = { ...MEMBER, roles: ['reader'] };

describe('filesystems', () => {
  let api: Api;
  let number = 0;
  beforeAll(async () => {
    api = await startApi({ maxLimit: 5 });
  });
  afterAll(() => api.stop());

  const fresh = () => `fs-${++number}`;
  const put = (name: string, entry: Entry, options: SendOptions = {}) =>
    api.send('put', `/os-filesystem/${name}`, { ...options, body: { fs_entry: entry } });
  const get = (name: string, options: SendOptions = {}) => api.send('get', `/os-filesystem/${name}`, options);
  const remove = (name: string, options: SendOptions = {}) => api.send('delete', `/os-filesystem/${name}`, options);
  const set = (name: string, assignments: string) =>
    api.database.query(`update filesystems set ${assignments} where name = $1`, [name]);
  const project = (said: Entry = {}) => ({ size: '4Gb', scope: 'project', ...said });

  describe('PUT /os-filesystem/{name}', () => {
    it('creates it for the tenant in the URL, and says where it is', async () => {
      const name = fresh();
      const answer = await put(name, project());
      expect(answer.status).toBe(201);
      expect(answer.headers.location).toBe(`/v1.1/demo/os-filesystem/${name}`);
      expect(answer.body).toEqual({ fs_entry: { name, size: '4Gb', scope: 'project', project: 'demo' } });
    });

    it('does nothing for the same attributes again', async () => {
      const name = fresh();
      const made = await api.make(name, project());
      const again = await put(name, project({ size: '4096 MiB', name }));
      expect(again.status).toBe(200);
      expect(again.body.fs_entry.size).toBe('4Gb');
      expect((await get(name)).body.fs_entry).toEqual(made);
    });

    it('changes size, scope and project, and leaves out the project where there is none', async () => {
      const name = fresh();
      await api.make(name, project());
      expect(await api.make(name, project({ size: '8Gb' }))).toMatchObject({ size: '8Gb', status: 'available' });
      const entry = await api.make(name, { size: '8Gb', scope: 'instance' });
      expect(entry).toMatchObject({ scope: 'instance' });
      expect(entry).not.toHaveProperty('project');
      expect((await put(name, project())).body.fs_entry.project).toBe('demo');
    });

    it('keeps a project that is not named, and lets it be named by who may not change it', async () => {
      const name = fresh();
      await api.make(name, project({ project: 'other' }), { ...ADMIN, projectId: 'demo' });
      expect((await put(name, project({ size: '5Gb' }))).body.fs_entry.project).toBe('other');
      expect((await put(name, project({ size: '5Gb', project: 'other' }))).status).toBe(200);
      expect((await put(name, project({ size: '5Gb', project: 'third' }))).status).toBe(403);
    });

    it.each<[string, unknown, RegExp]>([
      ['no body', undefined, /body is missing/],
      ['null', null, /a JSON object/],
      ['a list', [], /a JSON object/],
      ['a number', 7, /a JSON object/],
      ['no entry', {}, /`fs_entry` is missing/],
      ['another key', { fs_entry: project(), extra: 1 }, /`extra` is not known/],
      ['another key within', { fs_entry: project({ quota: 1 }) }, /`fs_entry\.quota` is not known/],
      ['no size', { fs_entry: { scope: 'global' } }, /`fs_entry\.size` is missing/],
      ['no scope', { fs_entry: { size: '4Gb' } }, /`fs_entry\.scope` is missing/],
      ['an unknown scope', { fs_entry: { size: '4Gb', scope: 'world' } }, /"instance" or "project" or "global"/],
      [
        'a size of another type',
        { fs_entry: project({ size: true }) },
        /`fs_entry\.size` must be a whole number and a unit/,
      ],
      ['a size of nothing', { fs_entry: project({ size: '0Gb' }) }, /Invalid size/],
      ['a fraction', { fs_entry: project({ size: '1.5Gb' }) }, /1536Mb/],
      ['another name', { fs_entry: project({ name: 'else' }) }, /not the name in the URL/],
      [
        'a project with another scope',
        { fs_entry: { size: '4Gb', scope: 'global', project: 'x' } },
        /scope "project" alone/,
      ],
      ['an empty project', { fs_entry: project({ project: '' }) }, /`fs_entry\.project` must be a project's id/],
      ['a project with a slash', { fs_entry: project({ project: 'a/b' }) }, /project's id/],
    ])('refuses %s with words that say what is wrong', async (_, body, message) => {
      const answer = await api.send('put', `/os-filesystem/${fresh()}`, { body });
      expect(answer.status).toBe(400);
      expect(answer.body.badRequest).toMatchObject({ code: 400, message: expect.stringMatching(message) });
    });

    it.each(['__proto__', 'constructor', 'toString'])('takes the key %s for one that is not known', async (key) => {
      const text = `{"fs_entry": {"size": "4Gb", "scope": "project", "${key}": {"isAdmin": true}}}`;
      const answer = await api.send('put', `/os-filesystem/${fresh()}`, { body: text });
      expect(answer.status).toBe(400);
      expect(answer.body.badRequest.message).toContain(key);
    });

    it.each(['-x', '.x', 'x'.repeat(64), 'a b', 'ü', 'detail'])('refuses the name %p', async (name) => {
      const answer = await api.send('put', `/os-filesystem/${encodeURIComponent(name)}`, {
        body: { fs_entry: project() },
      });
      // the path of the list takes no PUT
      expect(answer.status).toBe(name === 'detail' ? 405 : 400);
    });

    it('is 403 for who may only read, for another project, and for scope global', async () => {
      expect((await put(fresh(), project(), { as: READER })).status).toBe(403);
      expect((await put(fresh(), project({ project: 'other' }))).status).toBe(403);
      const answer = await put(fresh(), { size: '4Gb', scope: 'global' });
      expect(answer.status).toBe(403);
      expect(answer.body.forbidden.message).toMatch(/manage_global/);
    });

    it('is 409 for a name that somebody else has, whom the caller cannot see', async () => {
      const name = fresh();
      await api.make(name, project());
      expect((await put(name, project(), { as: OTHER })).body).toMatchObject({ conflictingRequest: { code: 409 } });
    });

    it('is 409 in the URL of another tenant, naming the owner', async () => {
      const name = fresh();
      await api.make(name, project());
      const answer = await put(name, project({ size: '9Gb' }), { as: ADMIN });
      expect(answer.status).toBe(409);
      expect(answer.body.conflictingRequest.message).toContain('/v1.1/demo/');
      expect((await put(name, project({ size: '9Gb' }), { as: ADMIN, tenant: 'demo' })).status).toBe(200);
    });

    it('is 409 with Retry-After while it is being deleted', async () => {
      const name = fresh();
      await api.make(name, project());
      await set(name, `deletion_wanted = now(), failed = true`);
      const answer = await put(name, project());
      expect(answer.status).toBe(409);
      expect(answer.headers['retry-after']).toMatch(/^\d+$/);
    });

    it('is 409 for a size below what it holds, counted just now', async () => {
      const name = fresh();
      const { id } = await api.make(name, project());
      const { writeFile } = await import('node:fs/promises');
      await writeFile(`${api.folder}/volumes/${id}/data`, Buffer.alloc(3_000_000, 'x'));
      const answer = await put(name, project({ size: '2Mb' }));
      expect(answer.status).toBe(409);
      expect(answer.body.conflictingRequest.message).toMatch(/holds 3\d{6} bytes/);
      expect((await put(name, project({ size: '4Mb' }))).status).toBe(200);
    });

    it('tries a failed one again at once', async () => {
      const name = fresh();
      await api.make(name, project());
      await set(name, `failed = true, failures = 3, fault_message = 'no', fault_created = now(), next_attempt = null`);
      expect((await get(name)).body.fs_entry).toMatchObject({ status: 'error', fault: { message: 'no' } });
      expect(await api.make(name, project())).toMatchObject({ status: 'available', fault: null });
    });

    it('waits for the backend when it is preferred, and says so', async () => {
      const name = fresh();
      const answer = await put(name, project(), { headers: { Prefer: 'respond-async, wait=99' } });
      expect(answer.headers['preference-applied']).toBe('wait=60');
      expect(answer.body.fs_entry).toMatchObject({
        status: 'available',
        export_location: expect.stringMatching(/^192\.0\.2\.1:\//),
        access: { state: 'current' },
      });
    });

    it.each(['wait', 'wait=-1', 'wait=x', 'other=1'])('ignores the preference %p', async (prefer) => {
      const answer = await put(fresh(), project(), { headers: { Prefer: prefer } });
      expect(answer.headers).not.toHaveProperty('preference-applied');
      expect(answer.status).toBe(201);
    });
  });

  describe('preconditions', () => {
    it('answer 304 when nothing that the caller sees has changed', async () => {
      const name = fresh();
      await api.make(name, project());
      const { headers } = await get(name);
      expect(headers.etag).toMatch(/^"1-[\w-]+"$/);
      const again = await get(name, { headers: { 'If-None-Match': `"x", ${headers.etag}` } });
      expect(again.status).toBe(304);
      expect(again.text).toBe('');
      await set(name, 'used_bytes = 12345');
      expect((await get(name, { headers: { 'If-None-Match': String(headers.etag) } })).status).toBe(200);
    });

    it('take If-None-Match: * on GET for nothing', async () => {
      const name = fresh();
      await api.make(name, project());
      expect((await get(name, { headers: { 'If-None-Match': '*' } })).status).toBe(200);
    });

    it('compare what a user sets, not status or use', async () => {
      const name = fresh();
      await api.make(name, project());
      const { etag } = (await get(name)).headers;
      await set(name, 'used_bytes = 1');
      const change = (size: string) => put(name, project({ size }), { headers: { 'If-Match': String(etag) } });
      expect((await change('5Gb')).status).toBe(200);
      const late = await change('6Gb');
      expect(late.status).toBe(412);
      expect(late.body.preconditionFailed.message).toMatch(/changed in the meantime/);
      expect((await remove(name, { headers: { 'If-Match': String(etag) } })).status).toBe(412);
      expect((await remove(name, { headers: { 'If-Match': '*' } })).status).toBe(202);
    });

    it('let If-None-Match: * create only', async () => {
      const name = fresh();
      const create = (as = MEMBER) => put(name, project(), { as, headers: { 'If-None-Match': '*' } });
      expect((await create()).status).toBe(201);
      expect((await create()).status).toBe(412);
      expect((await create(OTHER)).status).toBe(412);
    });

    it('let If-Match fail on a name that is free', async () => {
      const answer = await put(fresh(), project(), { headers: { 'If-Match': '"1-x"' } });
      expect(answer.status).toBe(412);
    });
  });

  describe('GET /os-filesystem/{name}', () => {
    it('shows every attribute', async () => {
      const name = fresh();
      await api.make(name, project());
      const { body } = await get(name);
      expect(body.fs_entry).toEqual({
        name,
        size: '4Gb',
        scope: 'project',
        project: 'demo',
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        owner: 'demo',
        status: 'available',
        fault: null,
        export_location: `192.0.2.1:${api.folder}/volumes/${body.fs_entry.id}`,
        protocol: 'NFS',
        used: body.fs_entry.used,
        access: { entitled: 0, applied: 0, state: 'current' },
        created: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        updated: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      });
      expect((await get(name, { as: ADMIN })).body.fs_entry.backend).toBe('default');
    });

    it('is seen by its owner, its project, everybody when it is global, and administrators', async () => {
      const [own, granted, global] = [fresh(), fresh(), fresh()];
      await api.make(own, project());
      await api.make(granted, project({ project: 'other' }), { ...ADMIN, projectId: 'demo' });
      await api.make(global, { size: '1Gb', scope: 'global' }, ADMIN);
      const statuses = async (as: SendOptions['as']) =>
        Promise.all([own, granted, global].map(async (name) => (await get(name, { as })).status));
      expect(await statuses(MEMBER)).toEqual([200, 200, 200]);
      expect(await statuses(OTHER)).toEqual([404, 200, 200]);
      expect(await statuses({ ...MEMBER, projectId: 'third' })).toEqual([404, 404, 200]);
      expect(await statuses(ADMIN)).toEqual([200, 200, 200]);
    });

    it('counts addresses of the instances that the caller may see', async () => {
      const name = fresh();
      await api.make(name, { size: '1Gb', scope: 'global' }, ADMIN);
      await api.live('count-1', 'demo', '10.7.0.1', '10.7.0.2');
      await api.live('count-2', 'other', '10.7.0.3');
      const access = async (as: SendOptions['as']) => (await get(name, { as })).body.fs_entry.access;
      expect(await access(MEMBER)).toEqual({ entitled: 2, applied: 2, state: 'current' });
      expect(await access(ADMIN)).toEqual({ entitled: 3, applied: 3, state: 'current' });
      await Promise.all(['count-1', 'count-2'].map((id) => api.gone(id)));
    });

    it.each(['none', 'a%2Fb', '%00', '..%2f', '%2e%2e%2fetc', 'x%20y'])('is 404 for %s', async (name) => {
      expect((await get(name)).status).toBe(404);
      expect((await remove(name)).status).toBe(404);
    });
  });

  describe('GET /os-filesystem and /detail', () => {
    let paged: Api;
    const list = async (query = '', options: SendOptions = {}, where = '') =>
      (await paged.send('get', `/os-filesystem${where}${query}`, options)).body;
    const names = async (query = '', options: SendOptions = {}) =>
      (await list(query, options)).fs_entries.map(({ name }: Entry) => name);
    beforeAll(async () => {
      paged = await startApi({ maxLimit: 3, publicUrl: 'https://compute.example.org' });
      for (const name of ['b', 'B', 'a', '_x'.slice(1), 'c']) await paged.make(name, project());
      await paged.make('granted', project({ project: 'demo' }), { ...ADMIN, projectId: 'other' });
      await paged.make('global', { size: '1Gb', scope: 'global' }, ADMIN);
      await paged.make('hidden', project(), OTHER);
    });
    afterAll(() => paged.stop());

    it('has own, granted and global ones by name in byte order, page by page', async () => {
      const first = await list();
      expect(first.fs_entries).toEqual(
        ['B', 'a', 'b'].map((name) => ({ name, size: '4Gb', scope: 'project', project: 'demo' })),
      );
      const href = 'https://compute.example.org/v1.1/demo/os-filesystem?marker=b';
      expect(first.fs_entries_links).toEqual([{ rel: 'next', href }]);
      expect(await names('?marker=b')).toEqual(['c', 'global', 'granted']);
      const last = await list('?marker=granted');
      expect(last.fs_entries.map(({ name }: Entry) => name)).toEqual(['x']);
      expect(last).not.toHaveProperty('fs_entries_links');
    });

    it('keeps the other parameters in the link, and the spelling of the path', async () => {
      const { fs_entries_links: links } = await list('/?limit=1&scope=project', {}, '');
      expect(links[0].href).toBe('https://compute.example.org/v1.1/demo/os-filesystem?limit=1&scope=project&marker=B');
      const original = await paged.send('get', '/os-shared-filesystem?limit=1');
      expect(original.body.fs_entries_links[0].href).toContain('/v1.1/demo/os-shared-filesystem?');
    });

    it.each([
      ['?limit=0', 3],
      ['?limit=2', 2],
      ['?limit=99999999999999999999', 3],
    ])('takes %s', async (query, length) => {
      expect(await names(query)).toHaveLength(length);
    });

    it('filters by scope, status and project, and by owner for an administrator', async () => {
      expect(await names('?scope=global')).toEqual(['global']);
      expect(await names('?status=error')).toEqual([]);
      expect(await names('?project=demo&marker=c')).toEqual(['granted', 'x']);
      expect(await names('?all_tenants=1&owner=other', { as: ADMIN })).toEqual(['granted', 'hidden']);
      expect(await names('?all_tenants=yes&marker=granted', { as: ADMIN })).toEqual(['hidden', 'x']);
    });

    it('shows every attribute in detail, of access the state alone', async () => {
      const { fs_entries: entries } = await list('', {}, '/detail');
      expect(entries[0]).toMatchObject({ name: 'B', status: 'available', access: { state: 'current' } });
      expect(entries[0].access).toEqual({ state: 'current' });
    });

    it('answers 304 by the hash of the whole', async () => {
      const { headers } = await paged.send('get', '/os-filesystem');
      const again = await paged.send('get', '/os-filesystem', { headers: { 'If-None-Match': String(headers.etag) } });
      expect(again.status).toBe(304);
    });

    it.each([
      '?limit=',
      '?limit=-1',
      '?limit=1&limit=2',
      '?limit=1.5',
      '?marker=',
      '?marker=a/b',
      '?scope=world',
      '?status=',
      '?all_tenants=',
      '?all_tenants=maybe',
      '?unknown=1',
      '?__proto__=1',
      '?constructor=1',
    ])('is 400 for %s', async (query) => {
      for (const path of ['/os-filesystem', '/os-filesystem/detail'])
        expect((await paged.send('get', path + query, { as: ADMIN })).body).toMatchObject({
          badRequest: { code: 400 },
        });
    });

    it.each(['?all_tenants=1', '?owner=demo'])('is 403 for %s of a member', async (query) => {
      expect((await paged.send('get', `/os-filesystem${query}`)).status).toBe(403);
    });
    it('takes all_tenants=0 of a member for what it is', async () => {
      expect((await paged.send('get', '/os-filesystem?all_tenants=0')).status).toBe(200);
    });
  });

  describe('DELETE /os-filesystem/{name}', () => {
    it('answers 202 with an empty body, and the name is free soon after', async () => {
      const name = fresh();
      await api.make(name, project());
      const answer = await remove(name);
      expect(answer.status).toBe(202);
      expect(answer.text).toBe('');
      expect((await remove(name, { headers: { Prefer: 'wait=10' } })).status).not.toBe(202);
      expect((await get(name)).status).toBe(404);
      expect((await put(name, project())).status).toBe(201);
    });

    it('answers 204 when it has waited until it was done', async () => {
      const name = fresh();
      await api.make(name, project());
      const answer = await remove(name, { headers: { Prefer: 'wait=10' } });
      expect(answer.status).toBe(204);
      expect(answer.headers['preference-applied']).toBe('wait=10');
    });

    it('is 403 for who sees it and may not, 404 for who cannot see it, 409 in another tenant’s URL', async () => {
      const name = fresh();
      await api.make(name, project({ project: 'other' }), { ...ADMIN, projectId: 'demo' });
      expect((await remove(name, { as: OTHER })).status).toBe(403);
      expect((await remove(name, { as: READER })).status).toBe(403);
      expect((await remove(name, { as: { ...MEMBER, projectId: 'third' } })).status).toBe(404);
      expect((await remove(name, { as: ADMIN })).status).toBe(409);
      expect((await remove(name, { as: ADMIN, tenant: 'demo' })).status).toBe(202);
    });
  });
});
