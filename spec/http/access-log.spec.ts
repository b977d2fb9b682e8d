import { ADMIN, type Api, type Entry, MEMBER, type SendOptions, startApi } from '../support/api';

const OTHER = { ...MEMBER, projectId: 'other' };
const DAY_MILLISECONDS = 24 * 3_600_000;
const REQUEST = `req-${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}`;

interface Row {
  readonly instance?: string;
  readonly address?: string;
  readonly granted?: boolean;
  readonly project?: string;
  readonly cause?: string;
  readonly time?: Date;
}

let api: Api;
let number = 0;
beforeAll(async () => {
  api = await startApi({ maxLimit: 3, accessLogRetentionDays: 30 });
});
afterAll(() => api.stop());

/** A filesystem whose log has nothing but what a spec writes. */
const make = async (entry: object = { scope: 'global' }): Promise<Entry> => {
  number += 1;
  return api.make(`fs-${number}`, { size: '1Gb', ...entry }, { ...ADMIN, projectId: 'demo' });
};
const write = async ({ id }: Entry, ...rows: readonly Row[]): Promise<void> => {
  for (const { instance = 'vm', address = '10.0.0.1', granted = true, project, cause, time } of rows)
    await api.database.query(
      `insert into access_log (filesystem_id, instance_id, address, granted, project, cause, revision, time)
       values ($1, $2, $3, $4, $5, $6, 7, $7)`,
      [id, instance, address, granted, project ?? 'demo', cause ?? 'settings', time ?? ago(1)],
    );
};
const ago = (days: number): Date => new Date(Date.now() - days * DAY_MILLISECONDS);
const get = ({ name }: Entry, query = '', options: SendOptions = {}) =>
  api.send('get', `/os-filesystem/${name}/access-log${query}`, options);
const list = async (filesystem: Entry, query = '', options: SendOptions = {}): Promise<readonly Entry[]> => {
  const answer = await get(filesystem, query, options);
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
  return answer.body.access_log;
};
const instances = async (filesystem: Entry, query = '', options: SendOptions = {}): Promise<readonly string[]> =>
  (await list(filesystem, query, options)).map(({ instance }: Entry) => instance);

describe('GET /os-filesystem/{name}/access-log', () => {
  it('tells who was let in and out, when, at which revision, and by what', async () => {
    const filesystem = await make({ scope: 'project' });
    const before = Date.now();
    await api.live('real', 'demo', '10.1.0.1');
    await api.gone('real');
    const answer = await get(filesystem);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      access_log: [
        {
          time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
          address: '10.1.0.1',
          instance: 'real',
          granted: true,
          cause: 'host.live real',
          revision: expect.any(Number),
        },
        expect.objectContaining({ instance: 'real', granted: false, cause: 'host.gone real' }),
      ],
    });
    const [granted, withdrawn] = answer.body.access_log;
    expect(withdrawn.revision).toBeGreaterThan(granted.revision);
    expect(Date.parse(granted.time)).toBeGreaterThanOrEqual(before - 1_000);
    expect((await api.send('get', `/os-shared-filesystem/${filesystem.name}/access-log`)).body).toEqual(answer.body);
  });

  it('names the request that took access away', async () => {
    const filesystem = await make({ scope: 'project' });
    await api.live('asked', 'demo', '10.1.0.2');
    const answer = await api.send('put', `/os-filesystem/${filesystem.name}`, {
      body: { fs_entry: { size: '1Gb', scope: 'instance' } },
      headers: { Prefer: 'wait=10' },
    });
    expect((await list(filesystem)).at(-1)).toMatchObject({
      instance: 'asked',
      granted: false,
      cause: answer.headers['x-openstack-request-id'],
    });
    await api.gone('asked');
  });

  it('shows a member his own project’s instances alone, to an administrator all', async () => {
    const filesystem = await make();
    await write(filesystem, { instance: 'mine' }, { instance: 'theirs', project: 'other' });
    expect(await instances(filesystem)).toEqual(['mine']);
    expect(await instances(filesystem, '?instance=theirs')).toEqual([]);
    expect(await instances(filesystem, '', { as: OTHER })).toEqual(['theirs']);
    expect(await instances(filesystem, '', { as: { ...OTHER, projectId: 'third' } })).toEqual([]);
    expect(await instances(filesystem, '', { as: ADMIN })).toEqual(['mine', 'theirs']);
    expect(await instances(filesystem, '', { as: ADMIN, tenant: 'demo' })).toEqual(['mine', 'theirs']);
  });

  it('does not show the owner of scope instance what an administrator connected of another project', async () => {
    const filesystem = await make({ scope: 'instance' });
    await api.live('foreign', 'other', '10.1.0.3');
    await api.send('put', `/os-filesystem/${filesystem.name}/instances/foreign`, {
      as: ADMIN,
      tenant: 'demo',
      headers: { Prefer: 'wait=10' },
    });
    expect(await instances(filesystem)).toEqual([]);
    expect(await instances(filesystem, '', { as: ADMIN })).toEqual(['foreign']);
    await api.gone('foreign');
  });

  it('shows a member no cause that could name a foreign instance', async () => {
    const filesystem = await make();
    const causes = ['settings', REQUEST, 'update vm', 'update another-vm', 'update other', 'req-', 'vm'];
    for (const cause of causes) await write(filesystem, { cause });
    const shown = async (options: SendOptions) => {
      const first = await get(filesystem, '', options);
      const pages = [first.body.access_log];
      for (let page = first; page.body.access_log_links; ) {
        page = await api.send('get', page.body.access_log_links[0].href.replace(/^\/v1.1\/[^/]+/, ''), options);
        pages.push(page.body.access_log);
      }
      return pages.flat().map(({ cause }: Entry) => cause);
    };
    expect(await shown({})).toEqual(['settings', REQUEST, 'update vm', null, null, null, null]);
    expect(await shown({ as: ADMIN })).toEqual(causes);
  });

  it('shows an administrator alone whom somebody else has let in', async () => {
    const filesystem = await make();
    await api.database.query(
      `insert into access_log (filesystem_id, instance_id, address, granted, project, cause, revision, time)
       values ($1, null, '10.0.0.66', true, null, 'drift', 7, $2)`,
      [filesystem.id, ago(1)],
    );
    expect(await list(filesystem, '', { as: ADMIN })).toMatchObject([
      { instance: null, address: '10.0.0.66', granted: true, cause: 'drift' },
    ]);
    expect(await list(filesystem)).toEqual([]);
  });

  it('comes in pages that lose and repeat nothing under equal times, and keeps the other parameters', async () => {
    const filesystem = await make();
    const time = ago(2);
    const all = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    await write(filesystem, ...all.map((instance) => ({ instance, time })));
    const seen: string[] = [];
    const markers: string[] = [];
    const PLACE = expect.stringMatching(/^\d{13}-\d+$/);
    const query = `limit=2&address=10.0.0.1&until=${ago(1).toISOString()}`;
    const asked = Object.fromEntries(new URLSearchParams(query));
    for (let rest = `?${query}`; rest !== ''; ) {
      const { body } = await get(filesystem, rest);
      seen.push(...body.access_log.map(({ instance }: Entry) => instance));
      rest = body.access_log_links?.[0].href.replace(/^[^?]*/, '') ?? '';
      const { marker, ...others } = Object.fromEntries(new URLSearchParams(rest));
      expect([asked, {}]).toContainEqual(others);
      markers.push(marker ?? '');
    }
    expect(markers).toEqual([PLACE, PLACE, PLACE, '']);
    expect(seen).toEqual(all);
    // the largest page, asked for or not
    for (const limit of ['', '?limit=0', '?limit=100']) expect(await list(filesystem, limit)).toHaveLength(3);
  });

  it('takes a marker for a place, wherever it is', async () => {
    const filesystem = await make();
    await write(filesystem, { instance: 'a' }, { instance: 'b' });
    expect(await instances(filesystem, '?marker=0-0')).toEqual(['a', 'b']);
    expect(await instances(filesystem, '?marker=9999999999999-999999999999999999')).toEqual([]);
  });

  it('is filtered by time: `since` is in, `until` is out, in any offset and fraction', async () => {
    const filesystem = await make();
    const noon = new Date(ago(3).toISOString().replace(/T.*/, 'T12:00:00.500Z'));
    await write(filesystem, { instance: 'early', time: new Date(noon.getTime() - 1) });
    await write(filesystem, { instance: 'noon', time: noon }, { instance: 'late', time: ago(1) });
    const day = noon.toISOString().slice(0, 10);
    expect(await instances(filesystem, `?since=${day}T12:00:00.5Z`)).toEqual(['noon', 'late']);
    expect(await instances(filesystem, `?since=${day}T13:00:00.500%2B01:00`)).toEqual(['noon', 'late']);
    expect(await instances(filesystem, `?since=${day}T12:00:00.5001Z`)).toEqual(['late']);
    expect(await instances(filesystem, `?until=${day}T12:00:00.5Z`)).toEqual(['early']);
    expect(await instances(filesystem, `?until=${day}T12:00:00.5001Z`)).toEqual(['early', 'noon']);
    expect(await instances(filesystem, `?since=${day}T12:00:00Z&until=${day}T12:00:01Z`)).toEqual(['early', 'noon']);
    expect(await instances(filesystem, `?since=${day}T12:00:00Z&until=${day}T12:00:00Z`)).toEqual([]);
    expect(await list(filesystem, '?since=0000-01-01T00:00:00Z&until=9999-12-31T23:59:59-14:00')).toHaveLength(3);
  });

  it('is filtered by instance, and by an address in any spelling', async () => {
    const filesystem = await make();
    await write(filesystem, { instance: 'a', address: 'fd00::1:0:0:1' }, { instance: 'b', address: '10.0.0.9' });
    expect(await instances(filesystem, '?instance=a')).toEqual(['a']);
    expect(await instances(filesystem, '?instance=nobody')).toEqual([]);
    expect(await instances(filesystem, '?address=FD00:0:0:0:1:0:0:1')).toEqual(['a']);
    expect(await instances(filesystem, '?address=10.0.0.9')).toEqual(['b']);
    expect(await instances(filesystem, '?address=10.0.0.9&instance=a')).toEqual([]);
    expect((await list(filesystem, '?instance=a'))[0].address).toBe('fd00::1:0:0:1');
  });

  it.each([
    ['since=', /`since` must be a time such as "2026-11-23T12:00:00Z"/],
    ['since=yesterday', /`since` must be a time such as/],
    ['since=2026-11-23T13:00:00+01:00', /its \+ is %2B/],
    ['since=2026-02-30T12:00:00Z', /`since` must be a time that there is/],
    ['until=2026-11-23', /`until` must be a time such as/],
    ['until=2026-11-23T25:00:00Z', /`until` must be a time that there is/],
    ['since=2026-11-23T12:00:00Z&until=2026-11-23T11:59:59Z', /`until` is before `since`/],
    ['instance=', /`instance` must be an instance's id/],
    ['instance=a/b', /`instance` must be an instance's id/],
    ['address=', /`address` must be one IPv4 or IPv6 address/],
    ['address=10.0.0.0/8', /`address` must be one IPv4 or IPv6 address/],
    ['address=10.0.0.256', /`address` must be one IPv4 or IPv6 address/],
    ['address=fe80::1%25eth0', /`address` must be one IPv4 or IPv6 address/],
    ['limit=x', /`limit` must be a whole number/],
    ['limit=-1', /`limit` must be a whole number/],
    ['marker=', /`marker` must be the marker of a link/],
    ['marker=vm-1', /`marker` must be the marker of a link/],
    ['marker=1-9999999999999999999', /`marker` must be the marker of a link/],
    ['status=connected', /`status` is not known here/],
    ['limit=1&limit=1', /more than once/],
  ])('answers 400 to ?%s', async (query, words) => {
    const answer = await get({ name: 'whichever' }, `?${query}`);
    expect(answer.status).toBe(400);
    expect(answer.body.badRequest.message).toMatch(words);
  });

  it('answers 404 for a filesystem that the caller cannot see, as for none', async () => {
    const filesystem = await make({ scope: 'instance' });
    const invisible = await get(filesystem, '', { as: OTHER });
    const none = await get({ name: 'none' }, '', { as: OTHER });
    expect([invisible.status, invisible.body]).toEqual([404, none.body]);
    expect((await get({ name: 'detail' })).status).toBe(404);
    expect((await get({ name: '_events' })).status).toBe(404);
  });

  it('reads, and nothing else', async () => {
    const filesystem = await make();
    await write(filesystem, {});
    const path = `/os-filesystem/${filesystem.name}/access-log`;
    for (const method of ['put', 'post', 'delete', 'patch'] as const) {
      const answer = await api.send(method, path);
      expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, HEAD, OPTIONS']);
    }
    const [head, whole] = [await api.send('head', path), await get(filesystem)];
    expect([head.status, head.text]).toEqual([200, undefined]);
    expect(head.headers['content-length']).toBe(whole.headers['content-length']);
    expect((await api.send('get', `${path}/`)).status).toBe(200);
    expect((await api.send('get', `${path}/x`)).body).toEqual({ host: 'not found' });
    expect((await api.send('get', path, { as: null })).status).toBe(401);
  });

  it('can be read by who may only read', async () => {
    const filesystem = await make();
    await write(filesystem, { instance: 'mine' });
    expect(await instances(filesystem, '', { as: { roles: [] } })).toEqual(['mine']);
  });
});

describe('GET /os-filesystem/{name}/instances?at=', () => {
  const then = ({ name }: Entry, time: Date | string, rest = '', options: SendOptions = {}) => {
    const at = typeof time === 'string' ? time : time.toISOString();
    return api.send('get', `/os-filesystem/${name}/instances?at=${encodeURIComponent(at)}${rest}`, options);
  };

  it('tells who was let in then, by which addresses', async () => {
    const filesystem = await make();
    await write(
      filesystem,
      { address: '10.0.0.10', time: ago(9) },
      { address: '10.0.0.9', time: ago(9) },
      { address: '10.0.0.10', granted: false, time: ago(7) },
      { address: '10.0.0.9', granted: false, time: ago(7) },
      { address: '10.0.0.9', time: ago(5) },
    );
    expect((await then(filesystem, ago(10))).body).toEqual({ instance_entries: [] });
    expect((await then(filesystem, ago(8))).body).toEqual({
      instance_entries: [{ id: 'vm', addresses: ['10.0.0.9', '10.0.0.10'] }],
    });
    expect((await then(filesystem, ago(6))).body).toEqual({ instance_entries: [] });
    expect((await then(filesystem, ago(4))).body).toEqual({
      instance_entries: [{ id: 'vm', addresses: ['10.0.0.9'] }],
    });
  });

  it('agrees with the list of now, and knows a deleted instance that the directory has forgotten', async () => {
    const filesystem = await make({ scope: 'project' });
    await api.live('short', 'demo', '10.1.0.9');
    const [{ time }] = (await list(filesystem)) as [Entry];
    const while_ = await then(filesystem, time);
    expect(while_.body).toEqual({ instance_entries: [{ id: 'short', addresses: ['10.1.0.9'] }] });
    await api.gone('short');
    await api.database.query(`delete from instances where id = 'short'`, []);
    expect((await then(filesystem, time)).body).toEqual(while_.body);
    expect((await then(filesystem, (await list(filesystem)).at(-1).time)).body).toEqual({ instance_entries: [] });
    expect(await instances(filesystem)).toEqual(['short', 'short']);
  });

  it('shows a member his own project’s instances alone, an administrator all, in pages by id', async () => {
    const filesystem = await make();
    await write(filesystem, ...['d', 'c', 'b', 'a'].map((instance) => ({ instance })), {
      instance: 'bb',
      project: 'other',
    });
    const ids = async (rest: string, options: SendOptions = {}) =>
      (await then(filesystem, ago(0.5), rest, options)).body.instance_entries.map(({ id }: Entry) => id);
    expect(await ids('', { as: OTHER })).toEqual(['bb']);
    expect(await ids('', { as: ADMIN })).toEqual(['a', 'b', 'bb']);
    expect(await ids('&marker=bb', { as: ADMIN })).toEqual(['c', 'd']);
    expect(await ids('&limit=2')).toEqual(['a', 'b']);
    const at = ago(0.5).toISOString();
    const { body } = await then(filesystem, at);
    expect(body.instance_entries_links).toEqual([
      {
        rel: 'next',
        href: `/v1.1/demo/os-filesystem/${filesystem.name}/instances?at=${encodeURIComponent(at)}&marker=c`,
      },
    ]);
    const next = await api.send('get', body.instance_entries_links[0].href.replace('/v1.1/demo', ''));
    expect(next.body).toEqual({ instance_entries: [{ id: 'd', addresses: ['10.0.0.1'] }] });
  });

  it('is served under the path of the original client too', async () => {
    const filesystem = await make();
    await write(filesystem, {});
    const path = `/os-shared-filesystem/${filesystem.name}/attachments?at=${ago(0.5).toISOString()}`;
    expect((await api.send('get', path)).body.instance_entries).toEqual([{ id: 'vm', addresses: ['10.0.0.1'] }]);
  });

  it('says how far back the log goes, and that the future is not known', async () => {
    const filesystem = await make();
    const before = await then(filesystem, ago(31));
    expect(before.status).toBe(400);
    expect(before.body.badRequest.message).toMatch(
      /^`at` is before what the access log tells: it goes back 30 days, to \d{4}-/,
    );
    expect((await then(filesystem, ago(29))).status).toBe(200);
    const after = await then(filesystem, ago(-1));
    expect([after.status, after.body.badRequest.message]).toEqual([
      400,
      expect.stringMatching(/`at` is in the future/),
    ]);
  });

  it.each([
    ['', '', /`at` must be a time such as/],
    ['yesterday', '', /`at` must be a time such as/],
    ['2026-02-30T12:00:00Z', '', /`at` must be a time that there is/],
    ['2026-02-03T12:00:00', '', /`at` must be a time such as/],
    [new Date().toISOString(), '&status=connected', /`status` cannot stand beside `at`/],
    [new Date().toISOString(), '&marker=', /`marker` must be an instance's id/],
    [new Date().toISOString(), '&instance=vm', /`instance` is not known here/],
  ])('answers 400 to ?at=%s%s', async (time, rest, words) => {
    const answer = await then({ name: 'whichever' }, time, rest);
    expect([answer.status, answer.body.badRequest.message]).toEqual([400, expect.stringMatching(words)]);
  });

  it('answers 404 for a filesystem that the caller cannot see', async () => {
    const filesystem = await make({ scope: 'instance' });
    expect((await then(filesystem, ago(1), '', { as: OTHER })).status).toBe(404);
  });
});
