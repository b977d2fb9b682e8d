import { access, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import * as path from 'node:path';
import type { Identity } from '../../lib/domain/identity';
import { ADMIN, type Api, type Entry, MEMBER, type SendOptions, startApi } from '../support/api';

const OTHER = { ...MEMBER, projectId: 'other' };
const READER = { ...MEMBER, roles: ['reader'] };
const LIST = '/os-filesystem/_deleted';
const NOBODYS = '6f1c1a52-7f0e-4c53-9d5c-000000000000';

describe('deleted filesystems', () => {
  let api: Api;
  let number = 0;
  beforeAll(async () => {
    api = await startApi({ maxLimit: 5, deletionGraceSeconds: 3_600 });
  });
  afterAll(() => api.stop());

  const fresh = () => `fs-${++number}`;
  const project = (said: Entry = {}) => ({ size: '4Gb', scope: 'project', ...said });
  const list = (query = '', as: Partial<Identity> | null = MEMBER) => api.send('get', `${LIST}${query}`, { as });
  const admins = (said: SendOptions = {}): SendOptions => ({ as: ADMIN, tenant: 'demo', ...said });
  const restore = (id: string, options: SendOptions = admins()) => api.send('post', `${LIST}/${id}/restore`, options);
  const purge = (id: string, options: SendOptions = admins()) => api.send('delete', `${LIST}/${id}`, options);
  const WAIT = { Prefer: 'wait=10' };
  /** Makes one and deletes it. @returns every attribute that it had */
  const gone = async (name = fresh(), entry: Entry = project(), as: Partial<Identity> = MEMBER): Promise<Entry> => {
    const made = await api.make(name, entry, as);
    const answer = await api.send('delete', `/os-filesystem/${name}`, { as, headers: WAIT });
    expect(answer.status).toBe(204);
    return made;
  };
  const entryOf = async (id: string, as: Partial<Identity> = MEMBER): Promise<Entry> => {
    const { body } = await list('?limit=0', as);
    return body.deleted_fs_entries.find((each: Entry) => each.id === id);
  };
  const set = (id: string, assignments: string) =>
    api.database.query(`update filesystems set ${assignments} where id = $1`, [id]);
  const clear = () => api.database.query('delete from filesystems where retired is not null', []);
  const volume = (id: string, ...more: string[]) => path.join(api.folder, 'volumes', id, ...more);
  const setAside = (id: string, ...more: string[]) => path.join(api.folder, 'volumes', '.retired', id, ...more);

  describe('GET /os-filesystem/_deleted', () => {
    beforeEach(clear);

    it('tells what was deleted, and when it is destroyed', async () => {
      const { id, name, created } = await gone();
      const { status, body } = await list();
      expect(status).toBe(200);
      const [entry, ...more] = body.deleted_fs_entries;
      expect(more).toEqual([]);
      expect(entry).toEqual({
        id,
        name,
        owner: 'demo',
        size: '4Gb',
        scope: 'project',
        project: 'demo',
        status: 'deleted',
        fault: null,
        used: null,
        created,
        deleted: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        purge: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      });
      expect(Date.parse(entry.purge) - Date.parse(entry.deleted)).toBe(3_600_000);
      expect(await entryOf(id, { ...ADMIN, projectId: 'demo' })).toEqual({ ...entry, backend: 'default' });
    });

    it('has no time for one that was adopted as deleted: it is kept until somebody restores or purges it', async () => {
      const [restored, purged] = [await gone(), await gone()];
      // as `adopt` makes the row
      for (const { id } of [restored, purged]) await set(id, 'purge_after = null, next_attempt = null');
      for (const { id } of [restored, purged])
        expect(await entryOf(id)).toMatchObject({ status: 'deleted', purge: null, deleted: expect.any(String) });
      expect((await restore(restored.id, admins({ headers: WAIT }))).status).toBe(200);
      expect((await purge(purged.id, admins({ headers: WAIT }))).status).toBe(204);
      await expect(access(setAside(purged.id))).rejects.toThrow('ENOENT');
    });

    it('has nothing of one that is still being deleted: that is in the normal list', async () => {
      const name = fresh();
      const { id } = await api.make(name, project());
      await set(id, 'deletion_wanted = now(), failed = true');
      expect(await entryOf(id)).toBeUndefined();
      expect((await api.send('get', `/os-filesystem/${name}`)).status).toBe(200);
      await set(id, 'deletion_wanted = null, failed = false');
    });

    it('shows a member what his own project owned, and nobody else anything of it', async () => {
      const administrator = { ...ADMIN, projectId: 'demo' };
      const global = await gone(fresh(), { size: '1Gb', scope: 'global' }, administrator);
      const granted = await gone(fresh(), project({ project: 'other' }), administrator);
      const ids = async (as: Partial<Identity>) =>
        (await list('', as)).body.deleted_fs_entries.map((each: Entry) => each.id);
      expect(await ids(MEMBER)).toEqual([global.id, granted.id]);
      expect(await ids(OTHER)).toEqual([]);
      expect(await ids(ADMIN)).toEqual([]);
    });

    it('shows an administrator those of all tenants, and is 403 for a member who asks for them', async () => {
      const [mine, others] = [await gone(), await gone(fresh(), project(), OTHER)];
      const all = await list('?all_tenants=1', ADMIN);
      expect(all.body.deleted_fs_entries.map((each: Entry) => each.id)).toEqual([mine.id, others.id]);
      expect((await list('?all_tenants=1')).status).toBe(403);
      expect((await list('?all_tenants=0')).status).toBe(200);
    });

    it('is 403 for who is no member', async () => {
      const answer = await list('', READER);
      expect(answer.status).toBe(403);
      expect(answer.body.forbidden.message).toContain('deleted:list');
    });

    it('goes page by page, the first deleted first, also where several were in one moment', async () => {
      const ids: string[] = [(await gone()).id, (await gone()).id, (await gone()).id];
      await api.database.query(`update filesystems set retired = $1 where id = any($2::uuid[])`, [
        new Date('2026-11-23T12:00:00.123Z'),
        ids.slice(1),
      ]);
      const expected = [...ids.slice(1).toSorted(), ids[0]];
      const met: string[] = [];
      let where = `${LIST}?limit=1&all_tenants=0`;
      for (;;) {
        const { body } = await api.send('get', where);
        expect(body.deleted_fs_entries).toHaveLength(1);
        met.push(body.deleted_fs_entries[0].id);
        if (!body.deleted_fs_entries_links) break;
        const [{ rel, href }] = body.deleted_fs_entries_links;
        expect(rel).toBe('next');
        expect(href).toContain('all_tenants=0');
        where = href.replace('/v1.1/demo', '');
      }
      expect(met).toEqual(expected);
    });

    it('goes on behind a marker whose filesystem has been destroyed in the meantime', async () => {
      const [first, second] = [await gone(), await gone()];
      const page = await list('?limit=1');
      expect(page.body.deleted_fs_entries[0].id).toBe(first.id);
      await api.database.query('delete from filesystems where id = $1', [first.id]);
      const next = await api.send('get', page.body.deleted_fs_entries_links[0].href.replace('/v1.1/demo', ''));
      expect(next.body.deleted_fs_entries.map((each: Entry) => each.id)).toEqual([second.id]);
    });

    it('has an ETag, and answers 304 to who has it; HEAD has the same headers', async () => {
      await gone();
      const { headers } = await list();
      const known = await api.send('get', LIST, { headers: { 'If-None-Match': String(headers.etag) } });
      expect(known.status).toBe(304);
      expect((await api.send('head', LIST)).headers.etag).toBe(headers.etag);
      await gone();
      const other = await api.send('get', LIST, { headers: { 'If-None-Match': String(headers.etag) } });
      expect(other.status).toBe(200);
    });

    it.each([
      ['?limit=-1', /whole number/],
      ['?limit=', /whole number/],
      ['?marker=x', /marker of a link/],
      [`?marker=${NOBODYS}`, /marker of a link/],
      ['?all_tenants=', /1 or 0/],
      ['?status=deleted', /not known here/],
      ['?limit=1&limit=2', /more than once/],
    ])('is 400 for %s', async (query, message) => {
      const answer = await list(query);
      expect(answer.status).toBe(400);
      expect(answer.body.badRequest.message).toMatch(message);
    });
  });

  describe('POST /os-filesystem/_deleted/{id}/restore', () => {
    it('brings back size, scope, project and data, and says where it is', async () => {
      const name = fresh();
      await api.make(name, project({ size: '7Gb' }));
      const { id } = (await api.send('get', `/os-filesystem/${name}`)).body.fs_entry;
      await writeFile(volume(id, 'thesis.txt'), 'of three years');
      await gone(name, project({ size: '7Gb' }));
      expect(await readFile(setAside(id, 'thesis.txt'), 'utf8')).toBe('of three years');

      const answer = await restore(id);
      expect(answer.status).toBe(202);
      expect(answer.headers.location).toBe(`/v1.1/demo/os-filesystem/${name}`);
      expect(answer.headers.etag).toMatch(/^"2-[\w-]+"$/);
      expect(answer.body).toEqual({ fs_entry: { name, size: '7Gb', scope: 'project', project: 'demo' } });
      expect(await api.make(name, project({ size: '7Gb' }))).toMatchObject({ id, status: 'available', size: '7Gb' });
      expect(await readFile(volume(id, 'thesis.txt'), 'utf8')).toBe('of three years');
      expect(await entryOf(id)).toBeUndefined();
    });

    it('waits when it is asked to, and then answers every attribute', async () => {
      const { id, name } = await gone();
      const answer = await restore(id, admins({ headers: WAIT }));
      expect(answer.status).toBe(200);
      expect(answer.headers['preference-applied']).toBe('wait=10');
      expect(answer.body.fs_entry).toMatchObject({ id, name, status: 'available', access: { state: 'current' } });
      expect(answer.headers.etag).toBe((await api.send('get', `/os-filesystem/${name}`, admins())).headers.etag);
    });

    it('computes access anew: who is entitled now is let in, and no connection comes back', async () => {
      await api.live('was-there', 'demo', '10.0.0.1');
      const [shared, explicit] = [fresh(), fresh()];
      await api.make(shared, project());
      await api.make(explicit, { size: '1Gb', scope: 'instance' });
      await api.send('put', `/os-filesystem/${explicit}/instances/was-there`, { headers: WAIT });
      const ids = [await gone(shared, project()), await gone(explicit, { size: '1Gb', scope: 'instance' })];
      await api.gone('was-there');
      await api.live('is-there', 'demo', '10.0.0.2');
      for (const { id } of ids) expect((await restore(id, admins({ headers: WAIT }))).status).toBe(200);

      const exported = async (id: string) =>
        (await readFile(path.join(api.folder, 'exports', `${id}.exports`), 'utf8')).match(/10\.0\.0\.\d+/g);
      expect(await exported(ids[0]?.id)).toEqual(['10.0.0.2']);
      expect(await exported(ids[1]?.id)).toBeNull();
      expect((await api.send('get', `/os-filesystem/${explicit}/instances`)).body.instance_entries).toEqual([]);
      await api.gone('is-there');
    });

    it('takes another name, and keeps what the access log tells', async () => {
      await api.live('logged', 'demo', '10.0.0.9');
      const { id } = await gone();
      const name = fresh();
      const answer = await restore(id, admins({ body: { name }, headers: WAIT }));
      expect(answer.body.fs_entry).toMatchObject({ id, name });
      expect(answer.headers.location).toBe(`/v1.1/demo/os-filesystem/${name}`);
      const { body } = await api.send('get', `/os-filesystem/${name}/access-log?address=10.0.0.9`);
      expect(body.access_log.map((each: Entry) => each.granted)).toEqual([true, false, true]);
      await api.gone('logged');
    });

    it.each([undefined, null, {}])('takes the body %p for none', async (body) => {
      const { id } = await gone();
      expect((await restore(id, admins({ body }))).status).toBe(202);
    });

    it.each<[string, unknown, RegExp]>([
      ['a list', [], /a JSON object/],
      ['text', '"x"', /a JSON object/],
      ['another key', { size: '4Gb' }, /`size` is not known/],
      ['an own entry', { fs_entry: { name: 'x' } }, /`fs_entry` is not known/],
      ['a name that is none', { name: '_deleted' }, /Invalid name/],
      ['an empty name', { name: '' }, /Invalid name/],
      ['a reserved name', { name: 'detail' }, /"detail" is reserved/],
      ['a name of another type', { name: 7 }, /filesystem's name/],
      ['what is no JSON', '{', /not JSON/],
    ])('is 400 for %s, whoever asks', async (_, body, message) => {
      const answer = await restore(NOBODYS, { as: OTHER, body });
      expect(answer.status).toBe(400);
      expect(answer.body.badRequest.message).toMatch(message);
    });

    it('is 400 for a parameter, and 415 for a body that is no JSON by its own word', async () => {
      expect((await api.send('post', `${LIST}/${NOBODYS}/restore?dry_run=1`, admins())).status).toBe(400);
      const headers = { 'Content-Type': 'text/plain' };
      expect((await restore(NOBODYS, admins({ body: '{}', headers }))).status).toBe(415);
    });

    it('is 409 where the name is taken, and says what to do', async () => {
      const { id, name } = await gone();
      await api.make(name, project({ size: '1Gb' }), OTHER);
      const answer = await restore(id);
      expect(answer.status).toBe(409);
      expect(answer.body.conflictingRequest.message).toMatch(new RegExp(`${name} is taken: give it another one`));
      expect(await entryOf(id)).toMatchObject({ status: 'deleted' });
      const taken = await restore(id, admins({ body: { name } }));
      expect(taken.status).toBe(409);
      expect((await restore(id, admins({ body: { name: fresh() } }))).status).toBe(202);
    });

    it('is 409 when its data is being destroyed', async () => {
      const { id } = await gone();
      await set(id, 'purging = now()');
      const answer = await restore(id);
      expect(answer.status).toBe(409);
      expect(answer.body.conflictingRequest.message).toMatch(/is being purged/);
      expect(answer.headers).not.toHaveProperty('retry-after');
    });

    it('is 409 with Retry-After in the moment in which a run has it', async () => {
      const { id } = await gone();
      await set(id, `leased_by = 'another process', next_attempt = now() + interval '1 hour'`);
      const answer = await restore(id);
      expect(answer.status).toBe(409);
      expect(answer.headers['retry-after']).toMatch(/^\d+$/);
      await set(id, 'leased_by = null');
      expect((await restore(id)).status).toBe(202);
    });

    it('is 409 in the URL of another tenant, naming the owner', async () => {
      const { id } = await gone();
      const answer = await restore(id, { as: ADMIN });
      expect(answer.status).toBe(409);
      expect(answer.body.conflictingRequest.message).toContain('/v1.1/demo/');
    });

    it('is 403 for the member who deleted it, and 404 for who cannot see it', async () => {
      const { id } = await gone();
      const answer = await restore(id, {});
      expect(answer.status).toBe(403);
      expect(answer.body.forbidden.message).toContain('deleted:restore');
      expect((await restore(id, { as: READER })).status).toBe(403);
      expect((await restore(id, { as: OTHER })).status).toBe(404);
      expect(await entryOf(id)).toMatchObject({ status: 'deleted' });
    });

    it('is 404 for one in service, for one that was restored already, for nobody, and for what is no id', async () => {
      const { id } = await api.make(fresh(), project());
      const back = await gone();
      expect((await restore(back.id, admins({ headers: WAIT }))).status).toBe(200);
      for (const each of [id, back.id, NOBODYS, 'x', NOBODYS.toUpperCase(), "'; drop table"])
        expect((await restore(encodeURIComponent(each))).status).toBe(404);
    });

    it('is status error with the list cut when the data is not there any more', async () => {
      await api.live('hopes', 'demo', '10.0.0.3');
      const { id, name } = await gone();
      await rename(setAside(id), `${setAside(id)}-elsewhere`);
      const answer = await restore(id, admins({ headers: WAIT }));
      expect(answer.status).toBe(202);
      expect(answer.body.fs_entry).toMatchObject({
        status: 'error',
        fault: { message: expect.stringMatching(/not on its backend any more/) },
        access: { applied: 0 },
      });
      expect(await readdir(path.join(api.folder, 'volumes'))).not.toContain(id);

      // once it has been brought back by hand, the next PUT is the retry
      await rename(`${setAside(id)}-elsewhere`, setAside(id));
      expect(await api.make(name, project())).toMatchObject({ id, status: 'available', access: { applied: 1 } });
      await api.gone('hopes');
    });
  });

  describe('DELETE /os-filesystem/_deleted/{id}', () => {
    it('destroys the data at once: 202, 204 when it is waited for, 404 after that', async () => {
      const { id } = await gone();
      await writeFile(setAside(id, 'secret.txt'), 'x');
      const answer = await purge(id, admins({ headers: WAIT }));
      expect(answer.status).toBe(204);
      expect(answer.text).toBe('');
      await expect(access(setAside(id))).rejects.toThrow('ENOENT');
      expect(await entryOf(id)).toBeUndefined();
      expect((await purge(id)).status).toBe(404);
    });

    it('is 202, and 202 again while it is under way: no way back, and no time any more', async () => {
      const { id } = await gone();
      // a run that another process has, so that it stays under way
      await set(id, `leased_by = 'another process', next_attempt = now() + interval '1 hour'`);
      for (const headers of [{}, {}, { Prefer: 'wait=0' }])
        expect((await purge(id, admins({ headers }))).status).toBe(202);
      expect(await entryOf(id)).toMatchObject({ status: 'purging', purge: null });
      expect((await restore(id)).status).toBe(409);
    });

    it('tries again at once what has failed for good', async () => {
      const { id } = await gone();
      await set(
        id,
        `purging = now(), failed = true, failures = 3, next_attempt = null,
         fault_message = 'Something else stands there.', fault_created = now()`,
      );
      expect(await entryOf(id)).toMatchObject({ status: 'error', fault: { message: 'Something else stands there.' } });
      expect((await purge(id, admins({ headers: WAIT }))).status).toBe(204);
    });

    it('is 403 for the member who deleted it, 404 for who cannot see it, 409 in another URL', async () => {
      const { id } = await gone();
      const answer = await purge(id, {});
      expect(answer.status).toBe(403);
      expect(answer.body.forbidden.message).toContain('deleted:purge');
      expect((await purge(id, { as: OTHER })).status).toBe(404);
      expect((await purge(id, { as: ADMIN })).status).toBe(409);
      await expect(access(setAside(id))).resolves.toBeUndefined();
    });

    it('is 404 for one in service, for nobody, and for what is no id', async () => {
      const { id } = await api.make(fresh(), project());
      for (const each of [id, NOBODYS, 'x']) expect((await purge(each)).status).toBe(404);
      expect((await api.send('delete', `${LIST}/${NOBODYS}?dry_run=1`, admins())).status).toBe(400);
    });
  });

  describe('a new owner of the name', () => {
    it('meets nothing of the old one', async () => {
      const name = fresh();
      await api.live('old-friend', 'demo', '10.0.0.5');
      const entry = { size: '1Gb', scope: 'instance' };
      const old = await api.make(name, entry);
      await api.send('put', `/os-filesystem/${name}/instances/old-friend`, { headers: WAIT });
      await writeFile(volume(old.id, 'secret.txt'), 'x');
      const { etag } = (await api.send('get', `/os-filesystem/${name}`)).headers;
      await api.send('delete', `/os-filesystem/${name}`, { headers: WAIT });

      const made = await api.make(name, entry, OTHER);
      expect(made.id).not.toBe(old.id);
      expect(await readdir(volume(made.id))).toEqual([]);
      expect(made.access).toMatchObject({ entitled: 0, applied: 0 });
      const as = OTHER;
      const [log, instances] = await Promise.all([
        api.send('get', `/os-filesystem/${name}/access-log`, { as }),
        api.send('get', `/os-filesystem/${name}/instances`, { as: ADMIN }),
      ]);
      expect(log.body.access_log).toEqual([]);
      expect(instances.body.instance_entries).toEqual([]);
      // both are at their first revision, and what was meant for the one does not hit the other
      const match = { 'If-Match': String(etag) };
      expect((await api.send('delete', `/os-filesystem/${name}`, { as, headers: match })).status).toBe(412);
      const known = { 'If-None-Match': String(etag) };
      expect((await api.send('get', `/os-filesystem/${name}`, { as, headers: known })).status).toBe(200);
      await api.gone('old-friend');
    });
  });

  describe('the paths', () => {
    it.each([
      [LIST, 'GET, HEAD, OPTIONS', 'put'],
      [LIST, 'GET, HEAD, OPTIONS', 'post'],
      [`${LIST}/${NOBODYS}`, 'DELETE, OPTIONS', 'get'],
      [`${LIST}/${NOBODYS}`, 'DELETE, OPTIONS', 'put'],
      [`${LIST}/${NOBODYS}/restore`, 'POST, OPTIONS', 'get'],
      [`${LIST}/${NOBODYS}/restore`, 'POST, OPTIONS', 'delete'],
    ] as const)('%s allows %s, and not %s', async (where, allow, method) => {
      const options = await api.send('options', where, { as: null });
      expect([options.status, options.headers.allow]).toEqual([204, allow]);
      const refused = await api.send(method, where, method === 'put' || method === 'post' ? { body: {} } : {});
      expect([refused.status, refused.headers.allow]).toEqual([405, allow]);
    });

    it('need an identity, and are nothing below and beside', async () => {
      expect((await list('', null)).status).toBe(401);
      expect((await api.send('post', `${LIST}/${NOBODYS}/restore`, { as: null })).status).toBe(401);
      for (const where of [`${LIST}/${NOBODYS}/purge`, `${LIST}/${NOBODYS}/restore/x`, `${LIST}//restore`])
        expect((await api.send('get', where)).body).toEqual({ host: 'not found' });
      expect((await api.send('get', '/os-shared-filesystem/_deleted')).status).toBe(404);
      expect((await api.send('get', `${LIST}/`)).status).toBe(200);
    });
  });
});
