import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pythonJson } from '../support/compute/python-json';
import { generatedId } from '../support/compute/servers';
import { aServer, aStandInAddress, type StandInServer } from '../support/compute/state';
import { ComputeStandIn } from '../support/compute-stand-in';

const FIXTURES = join(__dirname, '../fixtures/nova/api');
/** Where the real Nova was when the samples were taken. */
const ITS_ORIGIN = 'http://127.0.0.1:18775';

const [ALPHA, BETA] = ['c735cd3225ff4a8d8610dbac82687363', '882b0324cdc14ebe963dc8fad2b1a392'];
const [ALICE, BOB] = ['6e1634675fce4daea632a9495f198126', '638d4c4f92004a5abbd45f2b38f3ac9a'];
const [A1, A2, B1] = [
  'd25d21d2-07bb-40ac-8e87-da06ea4a6a53',
  'ad5b2800-1185-44cc-8cd5-f43efd559e5a',
  'c49156dc-9e2b-4591-8c2e-4570d7bfef19',
];

/** As the servers of the samples: on both subnets of alpha-net. */
const sampled = (name: string, number: number, host: number, rest: Partial<StandInServer>): StandInServer => {
  const last = host.toString(16);
  const mac = `fa:16:3e:00:00:${last}`;
  const addresses = [aStandInAddress(`10.20.0.${host}`, { mac }), aStandInAddress(`fd00:20::${last}`, { mac })];
  return aServer({ name, number, addresses, project: ALPHA, user: ALICE, ...rest });
};
const a1 = sampled('a1', 3, 21, { updated: '2026-11-23T14:23:38Z' });
const a2 = sampled('a2', 4, 22, { updated: '2026-11-23T14:23:39Z' });
const b1 = sampled('b1', 5, 23, { updated: '2026-11-23T14:23:40Z', project: BETA, user: BOB });
const deletedA2: StandInServer = {
  ...a2,
  vm_state: 'deleted',
  addresses: [],
  updated: '2026-11-23T14:23:42Z',
  launched: '2026-11-23T14:23:39.000000',
  terminated: '2026-11-23T14:23:42.000000',
};
const servers = { [A1]: a1, [A2]: a2, [B1]: b1 };
const deleted = { [A1]: { ...a1, vm_state: 'deleted' }, [A2]: a2, [B1]: b1 };
const tokens = {
  administrator: { project: 'admin', admin: true },
  alice: { project: ALPHA, admin: false },
  bob: { project: BETA, admin: false },
  operator: { project: 'operators', admin: false, listsAll: true },
};
const compute = new ComputeStandIn();
beforeAll(() => compute.start());
afterAll(() => compute.stop());
beforeEach(() => compute.replace({ servers, tokens }));

const sent = async (method: string, path: string, headers: Record<string, string> = {}) => {
  const asked = request(compute.url + path, { method, headers }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return { response, body: await text(response) };
};
const ask = async (path: string, token: string, version?: string) => {
  const headers = { 'X-Auth-Token': token, ...(version ? { 'OpenStack-API-Version': `compute ${version}` } : {}) };
  const { response, body } = await sent('GET', path, headers);
  return { status: response.statusCode, headers: response.headers, body: JSON.parse(body) };
};
const namesOf = (rawHeaders: readonly string[]) => rawHeaders.filter((_each, index) => index % 2 === 0);
const listed = async (path: string, token = 'administrator', version = '2.69') =>
  (await ask(path, token, version)).body.servers.map(({ id }: { id: string }) => id);

describe('the stand-in for Compute', () => {
  it.each([
    ['server', 'alice', servers],
    ['servers-detail-all', 'administrator', servers],
    ['servers-detail-alpha', 'alice', servers],
    ['bad-accept', 'alice', servers],
    ['bad-limit', 'alice', servers],
    ['bad-marker', 'alice', servers],
    ['server-unknown', 'alice', servers],
    ['server-other-project', 'bob', servers],
    ['server-deleted', 'alice', deleted],
    ['servers-deleted-admin', 'administrator', { [A1]: a1, [A2]: deletedA2 }],
    ['server-bad-token', 'nonsense', servers],
    ['server-no-token', null, servers],
    ['method', 'alice', servers],
  ])('answers as the real Nova did in %s.json, byte for byte', async (name, token, present) => {
    compute.set({ servers: present });
    const sample = JSON.parse(readFileSync(join(FIXTURES, `${name}.json`), 'utf8'));
    const { method, path } = sample.request;
    const { response, body } = await sent(method, path, token === null ? {} : { 'X-Auth-Token': token });
    const origin = compute.url.replace('/v2.1', '');
    const written = typeof sample.body === 'string' ? sample.body : pythonJson(sample.body);
    expect(response.statusCode).toBe(sample.status);
    expect(body).toBe(written.replaceAll(ITS_ORIGIN, origin));
    expect(namesOf(response.rawHeaders)).toEqual(Object.keys(sample.headers));
    expect(response.headers['content-type']).toBe(sample.headers['Content-Type']);
    expect(response.headers['content-length']).toBe(String(Buffer.byteLength(body)));
    expect(response.headers['openstack-api-version']).toBe(sample.headers['Openstack-Api-Version']);
  });

  it('writes JSON as long as the real Nova did', () => {
    const sample = JSON.parse(readFileSync(join(FIXTURES, 'servers-detail-all.json'), 'utf8'));
    expect(String(pythonJson(sample.body).length)).toBe(sample.headers['Content-Length']);
  });

  it('tells an administrator of all projects, and forbids a member to ask', async () => {
    expect(await listed('/servers?all_tenants=1')).toEqual([A2, B1, A1]);
    const { status, body } = await ask('/servers/detail?all_tenants=1', 'alice');
    expect({ status, body }).toEqual({
      status: 403,
      body: {
        forbidden: {
          code: 403,
          message: "Policy doesn't allow os_compute_api:servers:detail:get_all_tenants to be performed.",
        },
      },
    });
  });

  it('applies a filter by id for an administrator, and leaves it out of account for others', async () => {
    expect(await listed(`/servers?all_tenants=1&uuid=${B1}`)).toEqual([B1]);
    expect(await listed(`/servers?all_tenants=1&uuid=${B1}`, 'operator')).toEqual([A2, B1, A1]);
    expect((await ask(`/servers/${B1}`, 'operator')).status).toBe(404);
  });

  it('links to a next page whenever a page is full', async () => {
    compute.set({ maxLimit: 3 });
    const { body } = await ask('/servers?all_tenants=1', 'administrator');
    const origin = compute.url.replace('/v2.1', '');
    expect(body.servers_links).toEqual([{ rel: 'next', href: `${origin}/v2.1/servers?all_tenants=1&marker=${A1}` }]);
    expect((await ask(`/servers?all_tenants=1&marker=${A1}`, 'administrator')).body).toEqual({ servers: [] });
  });

  it('tells the ports and networks of fixed addresses', async () => {
    const { body } = await ask(`/servers/${A1}/os-interface`, 'alice');
    expect(body.interfaceAttachments).toMatchObject([
      {
        net_id: '11111111-1111-4111-8111-111111111111',
        port_id: 'ce531f90-199f-48c0-816c-13e38010b442',
        mac_addr: 'fa:16:3e:00:00:15',
        port_state: 'ACTIVE',
        fixed_ips: [{ ip_address: '10.20.0.21' }, { ip_address: 'fd00:20::15' }],
      },
    ]);
  });

  it('answers 406 to a microversion that it does not have', async () => {
    compute.set({ newest: '2.60' });
    const { status, body } = await ask('/servers', 'alice', '2.69');
    expect(status).toBe(406);
    expect(body.computeFault.message).toBe(
      'Version 2.69 is not supported by the API. Minimum is 2.1 and maximum is 2.60.',
    );
  });

  it('generates any number of servers, and finds each of them', async () => {
    compute.set({ generate: { count: 1_000_000, projects: 3 } });
    const last = generatedId(999_999);
    expect(await listed(`/servers?all_tenants=1&limit=2&marker=${generatedId(999_997)}`)).toEqual([
      generatedId(999_998),
      last,
    ]);
    expect((await ask(`/servers/${last}`, 'administrator')).body.server).toMatchObject({
      tenant_id: 'generated-0',
      addresses: { 'generated-net': [{ addr: '10.15.66.63' }] },
    });
    expect((await ask(`/servers/${generatedId(1_000_000)}`, 'administrator')).status).toBe(404);
  });

  it('counts requests by the pattern of their path', async () => {
    const before = await compute.requests();
    await ask(`/servers/${A1}`, 'alice');
    await ask(`/servers/${A2}`, 'alice');
    const after = await compute.requests();
    expect((after['/servers/{id}'] ?? 0) - (before['/servers/{id}'] ?? 0)).toBe(2);
  });
});

describe('a cell that is down, as the stand-in has it', () => {
  beforeEach(() => compute.set({ unknownCells: [B1] }));

  it('is told of in a list without pages', async () => {
    const { body } = await ask('/servers/detail?all_tenants=1', 'administrator', '2.69');
    expect(body.servers[0]).toEqual({
      id: B1,
      status: 'UNKNOWN',
      tenant_id: BETA,
      created: '2026-11-23T14:23:37Z',
      links: expect.anything(),
    });
    expect(body.servers).toHaveLength(3);
  });

  it('is left out of every other list without a word', async () => {
    expect(await listed('/servers/detail?all_tenants=1&limit=1000')).toEqual([A2, A1]);
    expect(await listed(`/servers/detail?all_tenants=1&marker=${A2}`)).toEqual([A1]);
    expect(await listed('/servers/detail?all_tenants=1', 'administrator', '2.68')).toEqual([A2, A1]);
  });

  it('is told of among the services', async () => {
    const down = { binary: 'nova-compute', host: 'cmp-down', status: 'UNKNOWN' };
    expect((await ask('/os-services', 'administrator', '2.69')).body.services.at(-1)).toEqual(down);
    expect((await ask('/os-services', 'administrator', '2.1')).body.services.at(-1)).toMatchObject({ id: 2 });
    expect((await ask('/os-services', 'alice', '2.69')).status).toBe(403);
  });

  it('leaves an instance of it UNKNOWN, or is a failure before 2.69', async () => {
    expect((await ask(`/servers/${B1}`, 'administrator', '2.69')).body.server).toMatchObject({ status: 'UNKNOWN' });
    expect((await ask(`/servers/${B1}`, 'administrator', '2.1')).status).toBe(500);
  });
});

describe('a stand-in that is killed', () => {
  it('is at the same place after another start', async () => {
    const { url } = compute;
    await compute.kill();
    await expect(once(get(url, { agent: false }), 'response')).rejects.toThrow('ECONNREFUSED');
    await compute.start();
    expect(compute.url).toBe(url);
    expect(await listed('/servers?all_tenants=1')).toEqual([A2, B1, A1]);
  });
});
