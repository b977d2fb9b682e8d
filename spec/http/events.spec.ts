import { readFile } from 'node:fs/promises';
import { ADMIN, type Api, MEMBER, startApi } from '../support/api';

const EVENTS = '/os-filesystem/_events';
const REPORTER = { ...MEMBER, userId: 'nova', roles: ['service'] };

function notification(event: string, id: string, project: string, addresses?: readonly string[]) {
  return {
    event_type: `compute.instance.${event}`,
    message_id: '1f0b5b5e-7f0c-4d4b-9f57-0c3e2b8a9d11',
    publisher_id: 'compute.host',
    priority: 'INFO',
    timestamp: new Date().toISOString(),
    payload: {
      instance_id: id,
      tenant_id: project,
      state: 'active',
      ...(addresses ? { fixed_ips: addresses.map((address) => ({ address, type: 'fixed' })) } : {}),
    },
  };
}

describe('POST /os-filesystem/_events', () => {
  let api: Api;
  beforeAll(async () => {
    api = await startApi({ eventReporters: ['nova'] });
  });
  afterAll(() => api.stop());

  const report = (body: unknown, as: object = ADMIN) => api.send('post', EVENTS, { as, body, tenant: 'demo' });
  const exported = async (name: string, settled: (text: string) => boolean) => {
    const { id } = (await api.send('get', `/os-filesystem/${name}`, { as: ADMIN })).body.fs_entry;
    for (;;) {
      const text = await readFile(`${api.folder}/exports/${id}.exports`, 'utf8');
      if (settled(text)) return text;
    }
  };

  it('lets an instance in, and out again', async () => {
    await api.make('mydata', { size: '1Gb', scope: 'project' });
    const answer = await report(notification('create.end', 'vm-1', 'demo', ['10.1.0.1']));
    expect([answer.status, answer.text]).toEqual([202, '']);
    await exported('mydata', (text) => text.includes('10.1.0.1('));
    expect((await report(notification('delete.start', 'vm-1', 'demo'))).status).toBe(202);
    await exported('mydata', (text) => !text.includes('10.1.0.1('));
  });

  it('is for administrators and for those whom the host names, the role service gives nothing', async () => {
    const body = notification('create.end', 'vm-2', 'demo', ['10.1.0.2']);
    expect((await report(body, REPORTER)).status).toBe(202);
    const refused = await report(body, { ...REPORTER, userId: 'else' });
    expect([refused.status, refused.body.forbidden.message]).toEqual([403, expect.stringMatching(/events:report/)]);
  });

  it('is refused before the body is looked at', async () => {
    const body = 'x'.repeat(100);
    const headers = { 'Content-Type': 'text/plain' };
    expect((await api.send('post', EVENTS, { body, headers })).status).toBe(403);
    expect((await api.send('post', EVENTS, { body, headers, as: ADMIN, tenant: 'demo' })).status).toBe(415);
  });

  it('takes a batch whole or not at all, naming the first that cannot be read', async () => {
    const good = notification('create.end', 'vm-3', 'demo', ['10.1.0.3']);
    const answer = await report({ events: [good, { event_type: 'compute.instance.create.end', payload: {} }] });
    expect(answer.status).toBe(400);
    expect(answer.body.badRequest.message).toMatch(/events\[1\]/);
    expect(await api.database.query(`select id from instances where id = 'vm-3'`, [])).toEqual([]);
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a text', '"x"'],
    ['more than 1,000', { events: Array.from({ length: 1_001 }, () => ({})) }],
    ['the envelope of a bus', { 'oslo.version': '2.0', 'oslo.message': '{}' }],
  ])('is 400 for %s', async (_, body) => {
    expect((await report(body)).status).toBe(400);
  });

  it('ignores what is not about instances', async () => {
    expect((await report({ event_type: 'keypair.create.end', payload: { token: 'x' } })).status).toBe(202);
  });

  it('takes up to 8 MiB, and no more', async () => {
    const padding = (length: number) => ({ event_type: 'keypair.create.end', payload: 'x'.repeat(length) });
    expect((await report(padding(7 * 1024 * 1024))).status).toBe(202);
    const answer = await report(padding(8 * 1024 * 1024)).catch((error: { code: string }) => error.code);
    // the answer, or the end of a connection whose rest nobody reads
    expect(['EPIPE', 'ECONNRESET', 413]).toContain(typeof answer === 'object' ? answer.status : answer);
  });
});
