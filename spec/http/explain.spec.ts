import { ADMIN, type Api, type Entry, MEMBER, type SendOptions, startApi } from '../support/api';

const OTHER = { ...MEMBER, projectId: 'other' };
const STRANGER = { ...MEMBER, projectId: 'stranger' };
const OWNING_ADMIN = { tenant: 'demo', as: ADMIN };
const WAIT = { Prefer: 'wait=10' };
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

describe('GET /os-filesystem/{name}/instances/{id}?explain=1', () => {
  let api: Api;
  let number = 0;
  beforeAll(async () => {
    api = await startApi({ networks: ['10.0.0.0/8', '10.20.0.0/16@storage', 'fd00::/8'] });
    await api.live('mine', 'demo', '10.0.0.1', '198.51.100.1');
    await api.live('theirs', 'other', '10.0.0.2');
  });
  afterAll(() => api.stop());

  const explain = (name: string, id: string, options: SendOptions = {}, query = '?explain=1') =>
    api.send('get', `/os-filesystem/${name}/instances/${id}${query}`, options);
  const make = async (entry: object, as: SendOptions['as'] = MEMBER): Promise<string> => {
    number += 1;
    await api.make(`fs-${number}`, { size: '1Gb', ...entry }, as ?? MEMBER);
    return `fs-${number}`;
  };
  const of = ({ explanation }: Entry, fact: string): Entry[] =>
    explanation.facts.filter((each: Entry) => each.fact === fact);

  it('tells the chain of facts, each with its yes or no and its reason', async () => {
    const name = await make({ scope: 'project' });
    const { status, body } = await explain(name, 'mine');
    expect(status).toBe(200);
    const plain = (await explain(name, 'mine', {}, '')).body;
    expect(body.instance_entry).toEqual(plain.instance_entry);
    expect(body).toEqual({
      instance_entry: { id: 'mine', status: 'connected', addresses: ['10.0.0.1'], automatic: true, fault: null },
      explanation: {
        let_in: true,
        facts: [
          { fact: 'known', holds: true, reason: expect.any(String), since: expect.stringMatching(TIME) },
          {
            fact: 'project',
            holds: true,
            reason: 'It is an instance of project demo.',
            source: 'host',
            time: expect.stringMatching(TIME),
          },
          { fact: 'question', holds: true, reason: expect.any(String), time: null },
          {
            fact: 'scope',
            holds: true,
            reason: 'Scope "project" takes in the instances of project demo, and it is one of them.',
          },
          {
            fact: 'state',
            holds: true,
            reason: expect.stringMatching(/live/),
            source: 'host',
            time: expect.stringMatching(TIME),
          },
          {
            fact: 'addresses',
            holds: true,
            reason: 'Addresses that count: 1 of 2.',
            source: 'host',
            time: expect.stringMatching(TIME),
          },
          { fact: 'address', address: '10.0.0.1', holds: true, counts: true, reason: 'It counts.' },
          {
            fact: 'address',
            address: '198.51.100.1',
            holds: false,
            counts: false,
            reason: 'It is outside the networks that count.',
          },
          { fact: 'dispute', holds: true, reason: expect.any(String) },
          {
            fact: 'backend',
            address: '10.0.0.1',
            holds: true,
            reason: 'The backend lets it in.',
            since: expect.stringMatching(TIME),
          },
          {
            fact: 'revision',
            holds: true,
            reason: expect.any(String),
            desired: expect.any(Number),
            applied: expect.any(Number),
          },
          { fact: 'error', holds: true, reason: expect.any(String) },
          { fact: 'next_attempt', holds: true, reason: expect.any(String), time: null },
          { fact: 'deletion', holds: true, reason: expect.any(String), since: null },
        ],
      },
    });
  });

  it('answers of an instance that is not in the list, and says why it is not', async () => {
    const name = await make({ scope: 'instance' });
    expect((await explain(name, 'mine', {}, '')).status).toBe(404);
    const { status, body } = await explain(name, 'mine');
    expect([status, body.instance_entry, body.explanation.let_in]).toEqual([200, null, false]);
    expect(of(body, 'scope')).toMatchObject([
      { holds: false, reason: expect.stringMatching(/connected/), since: null },
    ]);
    expect(of(body, 'backend')).toMatchObject([{ address: '10.0.0.1', holds: false }]);
    await api.send('put', `/os-filesystem/${name}/instances/mine`, { headers: WAIT });
    expect(of((await explain(name, 'mine')).body, 'scope')).toMatchObject([
      { holds: true, since: expect.stringMatching(TIME) },
    ]);
  });

  it('answers of one that is suspended or gone', async () => {
    const name = await make({ scope: 'project' });
    await api.live('ending', 'demo', '10.0.0.7');
    await api.extension.instances.report([{ id: 'ending', state: 'suspended' }], { waitSeconds: 30 });
    expect(of((await explain(name, 'ending')).body, 'state')).toMatchObject([{ holds: false }]);
    await api.gone('ending');
    const { body } = await explain(name, 'ending');
    expect(body.instance_entry).toBeNull();
    expect(of(body, 'state')).toMatchObject([{ holds: false, reason: 'It is gone: deleted.', source: 'host' }]);
  });

  it('says that an address is claimed elsewhere, and nothing of who does', async () => {
    const name = await make({ scope: 'project' });
    await api.live('rival-of-mine', 'other', '10.0.0.1');
    const { body, text } = await explain(name, 'mine');
    expect(body.instance_entry.status).toBe('error');
    expect(of(body, 'dispute')).toEqual([
      { fact: 'dispute', address: '10.0.0.1', holds: false, reason: 'The address is also claimed elsewhere.' },
    ]);
    expect(text).not.toMatch(/rival|other/);
    await api.gone('rival-of-mine');
    expect(of((await explain(name, 'mine')).body, 'dispute')).toMatchObject([{ holds: true }]);
  });

  it('is 404 for an instance of another project, as for one that there is not', async () => {
    const own = await make({ scope: 'project' });
    const global = await make({ scope: 'global' }, ADMIN);
    for (const name of [own, global]) {
      const foreign = await explain(name, 'theirs');
      const unknown = await explain(name, 'unknown');
      expect([foreign.status, unknown.status]).toEqual([404, 404]);
      expect(foreign.body).toEqual(unknown.body);
    }
    expect((await explain(global, 'theirs', { as: OTHER })).body.explanation.let_in).toBe(true);
    expect((await explain(global, 'mine', { as: OTHER })).status).toBe(404);
  });

  it('is 404 for a foreign instance that is connected, for the owner of the filesystem too', async () => {
    const name = await make({ scope: 'instance' });
    await api.send('put', `/os-filesystem/${name}/instances/theirs`, { ...OWNING_ADMIN, headers: WAIT });
    expect((await explain(name, 'theirs', {}, '')).status).toBe(200);
    expect((await explain(name, 'theirs')).status).toBe(404);
    expect((await explain(name, 'theirs', OWNING_ADMIN)).body.explanation.let_in).toBe(true);
  });

  it('is 404 for who does not see the filesystem, whose instance it may be', async () => {
    const name = await make({ scope: 'project' });
    await api.live('strange', 'stranger', '10.0.0.8');
    expect((await explain(name, 'strange', { as: STRANGER })).body.itemNotFound.message).toMatch(/Filesystem/);
    expect((await explain('none', 'mine')).body.itemNotFound.message).toMatch(/Filesystem/);
    expect((await explain(name, 'none')).body.itemNotFound.message).toMatch(/Instance/);
  });

  it('tells an administrator of any instance, and that one is not known', async () => {
    const name = await make({ scope: 'project' });
    const theirs = (await explain(name, 'theirs', { as: ADMIN })).body;
    expect(of(theirs, 'scope')).toMatchObject([{ holds: false }]);
    const { status, body } = await explain(name, 'unknown', { as: ADMIN });
    expect([status, body.instance_entry, body.explanation.let_in]).toEqual([200, null, false]);
    expect(of(body, 'known')).toEqual([
      { fact: 'known', holds: false, reason: 'No source has told of such an instance.', since: null },
    ]);
  });

  it('shows what went wrong last in an operator’s words to an administrator alone', async () => {
    const name = await make({ scope: 'project' });
    await api.database.query(
      `update filesystems set failures = 1, fault_message = 'It is tried again.', fault_created = now(),
         last_error = 'EIO: /srv/volumes' where name = $1`,
      [name],
    );
    const toMember = await explain(name, 'mine');
    expect(of(toMember.body, 'error')).toEqual([
      { fact: 'error', holds: false, reason: 'It is tried again.', since: expect.stringMatching(TIME) },
    ]);
    expect(toMember.text).not.toMatch(/EIO|last_error/);
    expect(of((await explain(name, 'mine', { as: ADMIN })).body, 'error')).toMatchObject([
      { last_error: 'EIO: /srv/volumes' },
    ]);
  });

  it('is for anyone in the project that the filesystem is granted to', async () => {
    const name = await make({ scope: 'project' });
    expect((await explain(name, 'mine', { as: { ...MEMBER, roles: ['reader'] } })).status).toBe(200);
    const granted = await make({ scope: 'project', project: 'other' }, { ...ADMIN, projectId: 'demo' });
    expect((await explain(granted, 'theirs', { as: OTHER })).body.explanation.let_in).toBe(true);
    expect(of((await explain(granted, 'mine')).body, 'scope')).toMatchObject([{ holds: false }]);
  });

  it('is answered under the path of the original client too, and to HEAD', async () => {
    const name = await make({ scope: 'project' });
    const path = `/os-shared-filesystem/${name}/attachments/mine?explain=yes`;
    expect((await api.send('get', path)).body).toHaveProperty('explanation');
    const head = await api.send('head', path);
    expect([head.status, head.text]).toEqual([200, undefined]);
  });

  it.each(['1', 't', 'TRUE', 'On', 'y', 'yes'])('takes %p for yes', async (value) => {
    const name = await make({ scope: 'project' });
    expect((await explain(name, 'mine', {}, `?explain=${value}`)).body).toHaveProperty('explanation');
  });

  it.each(['0', 'f', 'False', 'off', 'n', 'NO'])('takes %p for the plain answer', async (value) => {
    const name = await make({ scope: 'project' });
    const plain = await explain(name, 'mine', {}, '');
    expect((await explain(name, 'mine', {}, `?explain=${value}`)).body).toEqual(plain.body);
  });

  it.each([
    '?explain=',
    '?explain',
    '?explain=2',
    '?explain=ja',
    '?explain=1&explain=1',
    '?explain=1&x=1',
    '?Explain=1',
  ])('is 400 for %s', async (query) => {
    const answer = await explain('none', 'none', {}, query);
    expect([answer.status, Object.keys(answer.body)]).toEqual([400, ['badRequest']]);
  });

  it.each(['a%2Fb', '%00', 'x'.repeat(65), 'a b'])('is 404 for the id %s, for an administrator too', async (id) => {
    const name = await make({ scope: 'project' });
    expect((await explain(name, encodeURI(decodeURI(id)), { as: ADMIN })).status).toBe(404);
  });

  it.each(['put', 'delete'] as const)('is 400 with %s', async (method) => {
    const answer = await api.send(method, '/os-filesystem/x/instances/mine?explain=1');
    expect(answer.status).toBe(400);
  });
});
