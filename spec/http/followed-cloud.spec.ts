import { type Api, startApi } from '../support/api';
import { aServer, aStandInAddress } from '../support/compute/state';
import { ComputeStandIn } from '../support/compute-stand-in';

const NETWORK = '11111111-1111-4111-8111-111111111111';
const ID = (last: number) => `9f2f9b5c-4f5e-4d6a-9c3b-${String(last).padStart(12, '0')}`;

describe('where Compute can be asked', () => {
  const compute = new ComputeStandIn();
  let api: Api;
  beforeAll(async () => {
    await compute.start();
    api = await startApi({
      compute: { url: compute.url, token: 'admin-token' },
      networks: [`10.20.0.0/16@${NETWORK}`],
      eventReporters: ['demo'],
      resyncIntervalSeconds: 3,
    });
  });
  afterAll(async () => {
    await api.stop();
    await compute.stop();
  });
  beforeEach(() => compute.replace({}));

  const inDemo = (address: string, netId = NETWORK) =>
    aServer({ project: 'demo', addresses: [aStandInAddress(address, { netId, port: `port-${address}` })] });
  const connect = (name: string, id: string) =>
    api.send('put', `/os-filesystem/${name}/instances/${id}`, { headers: { Prefer: 'wait=10' } });
  const event = (id: string, address: string) => ({
    event_type: 'compute.instance.create.end',
    payload: { instance_id: id, tenant_id: 'demo', state: 'active', fixed_ips: [{ address, type: 'fixed' }] },
  });
  const until = async (look: () => Promise<boolean>) => {
    for (const end = Date.now() + 15_000; !(await look()); ) {
      if (Date.now() > end) throw new Error('it does not become so');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  describe('PUT /os-filesystem/{name}/instances/{id}', () => {
    beforeAll(() => api.make('explicit', { size: '1Gb', scope: 'instance' }));

    it('asks Compute about an instance that the directory does not know, and lets it in by its port', async () => {
      compute.set({ servers: { [ID(1)]: inDemo('10.20.0.1') } });
      const answer = await connect('explicit', ID(1));
      expect(answer.status).toBe(201);
      expect(answer.body.instance_entry).toMatchObject({ status: 'connected', addresses: ['10.20.0.1'] });
    });

    it('is 404 for one that Compute does not know, and for a foreign one', async () => {
      compute.set({ servers: { [ID(2)]: aServer({ project: 'another' }) } });
      const [none, foreign] = [await connect('explicit', ID(3)), await connect('explicit', ID(2))];
      expect([none.status, foreign.status]).toEqual([404, 404]);
      expect(none.body).toEqual(foreign.body);
    });

    it('is 503 with Retry-After while Compute is away or slow', async () => {
      compute.set({ away: true });
      const away = await connect('explicit', ID(4));
      expect([away.status, away.headers['retry-after']]).toEqual([503, '2']);
      compute.replace({ delayMilliseconds: 3_000, servers: { [ID(5)]: inDemo('10.20.0.5') } });
      const begun = Date.now();
      expect((await connect('explicit', ID(5))).status).toBe(503);
      expect(Date.now() - begun).toBeLessThan(3_000);
    });

    it('asks nothing about a filesystem that the caller may not manage', async () => {
      await api.make('theirs', { size: '1Gb', scope: 'global' }, { projectId: 'admin', isAdmin: true });
      const before = await compute.requests();
      expect((await connect('theirs', ID(6))).status).toBe(403);
      expect(await compute.requests()).toEqual(before);
    });
  });

  describe('POST /os-filesystem/_events', () => {
    it('lets in when Compute has confirmed, by what Compute says', async () => {
      await api.make('reported', { size: '1Gb', scope: 'project' });
      compute.set({ servers: { [ID(11)]: inDemo('10.20.0.11') } });
      const answer = await api.send('post', '/os-filesystem/_events', {
        body: { events: [event(ID(11), '10.20.0.99'), event(ID(12), '10.20.0.12')] },
      });
      expect(answer.status).toBe(202);
      const entry = () => api.send('get', `/os-filesystem/reported/instances/${ID(11)}`);
      await until(async () => (await entry()).body.instance_entry?.status === 'connected');
      const { body } = await entry();
      expect(body.instance_entry.addresses).toEqual(['10.20.0.11']);
      expect((await api.send('get', `/os-filesystem/reported/instances/${ID(12)}`)).status).toBe(404);
    });

    it('does not let in an address on a network that a tenant has made', async () => {
      await api.make('strangers', { size: '1Gb', scope: 'project' });
      compute.set({ servers: { [ID(13)]: inDemo('10.20.0.13', 'his-own') } });
      await api.send('post', '/os-filesystem/_events', { body: event(ID(13), '10.20.0.13') });
      await until(async () => (await compute.requests())['/servers/{id}/os-interface'] !== undefined);
      const { body } = await api.send('get', `/os-filesystem/strangers/instances/${ID(13)}`);
      expect(body.instance_entry?.addresses ?? []).toEqual([]);
    });
  });

  it('tells of Compute and of the last resync in its status', async () => {
    compute.set({ servers: { [ID(1)]: inDemo('10.20.0.1') } });
    api.extension.instances.resync();
    await until(async () => (await api.extension.status()).compute?.resync?.outcome === 'complete');
    expect(await api.extension.status()).toMatchObject({ bus: null, compute: { reachable: true, message: null } });
  });

  it('ends what a resync misses when Compute has confirmed it', async () => {
    await api.make('resynced', { size: '1Gb', scope: 'project' });
    const addresses = (address: string) => [{ address, network: NETWORK, port: `port-${address}` }];
    const reports = [21, 22].map((each) => ({
      id: ID(each),
      project: 'demo',
      state: 'live' as const,
      addresses: addresses(`10.20.0.1${each}`),
    }));
    compute.set({ servers: { [ID(21)]: inDemo('10.20.0.121'), [ID(22)]: inDemo('10.20.0.122') } });
    expect(await api.extension.instances.report(reports, { waitSeconds: 10 })).toEqual([]);
    const status = async (id: string) =>
      (await api.send('get', `/os-filesystem/resynced/instances/${id}`)).body.instance_entry?.status;
    expect([await status(ID(21)), await status(ID(22))]).toEqual(['connected', 'connected']);
    compute.set({ servers: { [ID(22)]: inDemo('10.20.0.122') } });
    api.extension.instances.resync();
    await until(async () => (await status(ID(21))) === undefined);
    expect(await status(ID(22))).toBe('connected');
  });
});
