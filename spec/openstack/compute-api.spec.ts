import { Unavailable } from '../../lib/domain/errors';
import { NovaComputeApi } from '../../lib/openstack/compute-api';
import type { ListingPage } from '../../lib/ports/cloud';
import { allOf } from '../support/all-of';
import { anAddress } from '../support/an-address';
import { generatedId } from '../support/compute/servers';
import { aServer, aStandInAddress } from '../support/compute/state';
import { ComputeStandIn } from '../support/compute-stand-in';
import { HandClock } from '../support/hand-clock';
import { scriptedCompute } from '../support/scripted-compute';

const ID = 'd25d21d2-07bb-40ac-8e87-da06ea4a6a53';
const FOREIGN = 'c49156dc-9e2b-4591-8c2e-4570d7bfef19';
const UNKNOWN = '00000000-0000-4000-8000-000000000000';
const NOW = new Date('2026-11-24T12:00:00Z');
const MAC = 'fa:16:3e:00:00:15';

const servers = { [ID]: aServer(), [FOREIGN]: aServer({ project: 'beta', created: '2026-11-22T00:00:00Z' }) };
const tokens = {
  administrator: { project: 'admin', admin: true },
  member: { project: 'alpha', admin: false },
  operator: { project: 'alpha', admin: false, listsAll: true },
};

const compute = new ComputeStandIn();
beforeAll(() => compute.start());
afterAll(() => compute.stop());
beforeEach(() => compute.replace({ servers, tokens }));

const { signal } = new AbortController();
const api = (token = 'administrator', readInterfaces = false, url = compute.url) =>
  new NovaComputeApi({ url, token: async () => token, readInterfaces, clock: new HandClock() });
const find = (id: string, token?: string) => api(token).find(id, signal);
const pagesOf = (asked: NovaComputeApi): Promise<readonly ListingPage[]> => allOf(asked.list(signal));
const idsOf = (pages: readonly ListingPage[]) => pages.flatMap(({ instanceIds }) => instanceIds);
/** How many requests of each kind `work` causes. */
const requestsOf = async (work: () => Promise<unknown>) => {
  const before = await compute.requests();
  await work();
  const after = Object.entries(await compute.requests());
  return Object.fromEntries(
    after.map(([pattern, count]) => [pattern, count - (before[pattern] ?? 0)]).filter(([, n]) => n),
  );
};

describe('finding an instance', () => {
  it('tells what Compute says of it now', async () => {
    expect(await find(ID)).toEqual({
      instanceId: ID,
      project: 'alpha',
      state: 'live',
      addresses: [anAddress('10.20.0.21', { mac: MAC })],
      time: NOW,
      source: 'compute',
      cause: 'compute.server',
    });
  });

  it('tells that it has no address when Compute says so', async () => {
    compute.set({ servers: { [ID]: aServer({ addresses: [] }) } });
    expect(await find(ID)).toMatchObject({ state: 'live', addresses: [] });
  });

  it('does not take hidden addresses of one that is being built for none', async () => {
    compute.set({ servers: { [ID]: aServer({ vm_state: 'building' }) } });
    expect(await find(ID)).toMatchObject({ state: 'live', addresses: undefined });
  });

  it.each([
    ['active', 'deleting', 'suspended'],
    ['soft-delete', null, 'suspended'],
    ['deleted', null, 'gone'],
  ])('tells the end of one in state %s with task %s', async (vm_state, task_state, state) => {
    compute.set({ servers: { [ID]: aServer({ vm_state, task_state }) } });
    expect(await find(ID)).toMatchObject({ state });
  });

  it('cannot tell of one whose cell is down', async () => {
    compute.set({ unknownCells: [ID] });
    await expect(find(ID)).rejects.toThrow(
      new Unavailable('Compute cannot tell of the instance now: its cell may be down.'),
    );
    compute.set({ newest: '2.60' });
    await expect(find(ID)).rejects.toThrow(new Unavailable('Compute answers 500.'));
    expect(await find(FOREIGN)).toMatchObject({ state: 'live' });
  });

  it('cannot tell of one in a state that Nova itself does not understand', async () => {
    compute.set({ servers: { [ID]: aServer({ vm_state: 'hibernating' }) } });
    await expect(find(ID)).rejects.toThrow(Unavailable);
  });

  it.each([['..'], ['.'], ['detail']])('asks nothing about %j, which is none of Nova', async (id) => {
    expect(await requestsOf(() => expect(find(id)).rejects.toThrow(Unavailable))).toEqual({});
  });
});

describe('an instance that Compute does not know', () => {
  it('is gone when an administrator asks', async () => {
    expect(await find(UNKNOWN)).toEqual({
      instanceId: UNKNOWN,
      state: 'gone',
      time: NOW,
      source: 'compute',
      cause: 'compute.absent',
    });
  });

  it('is gone in a cloud without instances', async () => {
    compute.set({ servers: {} });
    expect(await find(ID)).toMatchObject({ state: 'gone' });
  });

  it.each([
    ['who may not list all projects', 'member'],
    ['who may list them, and is shown its own instances alone', 'operator'],
  ])('may be of another project for one %s', async (_who, token) => {
    const words =
      'The token does not see all projects, so nothing follows from a 404. COMPUTE_TOKEN must be of an administrator.';
    await expect(find(FOREIGN, token)).rejects.toThrow(new Unavailable(words));
    await expect(find(UNKNOWN, token)).rejects.toThrow(new Unavailable(words));
    expect(await find(ID, token)).toMatchObject({ state: 'live' });
  });

  it('is not gone when the list of all projects has it', async () => {
    const list = { text: JSON.stringify({ servers: [{ id: ID, name: 'a1' }] }) };
    const fault = {
      status: 404,
      text: JSON.stringify({ itemNotFound: { code: 404, message: `Instance ${ID} could not be found.` } }),
    };
    const scripted = await scriptedCompute((path) => (path.startsWith('/servers?') ? list : fault));
    await expect(api('t', false, scripted.url).find(ID, signal)).rejects.toThrow(Unavailable);
    expect(scripted.requests.map(({ url }) => url)).toEqual([
      `/v2.1/servers/${ID}`,
      `/v2.1/servers?all_tenants=1&limit=1&uuid=${ID}`,
    ]);
    await scripted.close();
  });

  it('is not gone because a list of all projects cannot be read', async () => {
    compute.set({ failing: { '/servers': 500 } });
    await expect(find(UNKNOWN)).rejects.toThrow('Compute answers 500.');
  });

  it.each([
    ['a wrong path', () => api('administrator', false, `${compute.url}/servers`)],
    ['a wrong version', () => api('administrator', false, compute.url.replace('v2.1', 'v3'))],
  ])('is not gone because of a 404 of %s', async (_what, wrong) => {
    await expect(wrong().find(ID, signal)).rejects.toThrow('What Compute answers cannot be read');
  });
});

describe('finding an instance where networks count by their id', () => {
  const where = { network: '11111111-1111-4111-8111-111111111111', port: 'ce531f90-199f-48c0-816c-13e38010b442' };
  const findPlaced = (id: string) => api('administrator', true).find(id, signal);

  it('tells the network and the port of its fixed addresses', async () => {
    const floating = aStandInAddress('203.0.113.4', { type: 'floating' });
    compute.set({ servers: { [ID]: aServer({ addresses: [aStandInAddress('10.20.0.21'), floating] }) } });
    expect((await findPlaced(ID)).addresses).toEqual([
      anAddress('10.20.0.21', { mac: MAC, ...where }),
      anAddress('203.0.113.4', { mac: MAC, kind: 'floating' }),
    ]);
  });

  it('asks for them only then, and only of an instance that is live and has a fixed address', async () => {
    const one = { '/servers/{id}': 1 };
    expect(await requestsOf(() => findPlaced(ID))).toEqual({ ...one, '/servers/{id}/os-interface': 1 });
    expect(await requestsOf(() => find(ID))).toEqual(one);
    for (const rest of [{ task_state: 'deleting' }, { addresses: [] }, { vm_state: 'building' }]) {
      compute.set({ servers: { [ID]: aServer(rest) } });
      expect(await requestsOf(() => findPlaced(ID))).toEqual(one);
    }
  });

  it.each([[500], [404], [403]])('fails when Compute answers %d to that', async (status) => {
    compute.set({ failing: { '/servers/{id}/os-interface': status } });
    await expect(findPlaced(ID)).rejects.toThrow(Unavailable);
  });

  it('tells that the instance has gone in between', async () => {
    const { servers: present, ...live } = { servers: { [ID]: aServer() }, tokens };
    compute.replace({ servers: present, ...live });
    const answers = [
      {
        text: await (
          await fetch(`${compute.url}/servers/${ID}`, { headers: { 'X-Auth-Token': 'administrator' } })
        ).text(),
      },
      { status: 404, text: '{}' },
      {
        status: 404,
        text: JSON.stringify({ itemNotFound: { code: 404, message: `Instance ${ID} could not be found.` } }),
      },
      { text: '{"servers": []}' },
    ];
    const scripted = await scriptedCompute(() => answers.shift() ?? null);
    expect(await api('t', true, scripted.url).find(ID, signal)).toMatchObject({
      state: 'gone',
      cause: 'compute.absent',
    });
    await scripted.close();
  });
});

describe('listing all instances', () => {
  it('tells of each once, page by page', async () => {
    compute.set({ maxLimit: 2, generate: { count: 3 } });
    const pages = await pagesOf(api());
    expect(idsOf(pages)).toEqual([ID, FOREIGN, ...[0, 1, 2].map(generatedId)]);
    expect(pages.map(({ instanceIds, complete }) => [instanceIds.length, complete])).toEqual([
      [2, true],
      [2, true],
      [1, true],
    ]);
    expect(pages[0]?.observations[1]).toEqual({ ...(await find(FOREIGN)), time: NOW });
  });

  it('ends behind a page that is full, and is the last', async () => {
    compute.set({ maxLimit: 2 });
    expect((await pagesOf(api())).map(({ instanceIds }) => instanceIds.length)).toEqual([2, 0]);
  });

  it('is one empty page in a cloud without instances', async () => {
    compute.set({ servers: {} });
    expect(await pagesOf(api())).toEqual([{ instanceIds: [], observations: [], complete: true }]);
  });

  it('is not complete while a cell is down, of which Nova tells nothing in pages', async () => {
    compute.set({ unknownCells: [FOREIGN] });
    expect(await pagesOf(api())).toMatchObject([{ instanceIds: [ID], complete: false }]);
  });

  it('is not complete when a cell goes down in the meantime', async () => {
    compute.set({ maxLimit: 1 });
    const completes: boolean[] = [];
    for await (const { complete } of api().list(signal)) {
      completes.push(complete);
      compute.set({ unknownCells: [FOREIGN] });
    }
    expect(completes).toEqual([true, false]);
  });

  it('is not complete where Nova is too old to tell, or does not say', async () => {
    compute.set({ newest: '2.60' });
    expect(await pagesOf(api())).toMatchObject([{ instanceIds: [ID, FOREIGN], complete: false }]);
    compute.set({ newest: undefined, failing: { '/os-services': 403 } });
    expect(await pagesOf(api())).toMatchObject([{ instanceIds: [ID, FOREIGN], complete: false }]);
  });

  it('is not complete with a row that cannot be read, and has the others', async () => {
    compute.set({ servers: { ...servers, [FOREIGN]: aServer({ vm_state: 'hibernating' }) } });
    const [page] = await pagesOf(api());
    expect(page).toMatchObject({ instanceIds: [ID, FOREIGN].toSorted(), complete: false });
    expect(page?.observations.map(({ instanceId }) => instanceId)).toEqual([ID]);
  });

  it('asks a Nova that is too old once for the version, and then without', async () => {
    compute.set({ newest: '2.60' });
    const old = api();
    expect(await requestsOf(() => old.find(ID, signal))).toEqual({ '/servers/{id}': 2 });
    expect(await requestsOf(() => old.find(ID, signal))).toEqual({ '/servers/{id}': 1 });
  });

  it('fails with a page, and not before', async () => {
    compute.set({ maxLimit: 1, failingPages: { 2: 502 } });
    const seen: string[] = [];
    const listing = async () => {
      for await (const { instanceIds } of api().list(signal)) seen.push(...instanceIds);
    };
    await expect(listing()).rejects.toThrow(new Unavailable('Compute answers 502.'));
    expect(seen).toEqual([ID]);
  });

  it('fails for one who may not list all projects', async () => {
    const words = 'Compute refuses this to the token (403). COMPUTE_TOKEN must be of an administrator.';
    await expect(pagesOf(api('member'))).rejects.toThrow(new Unavailable(words));
  });
});

describe('the link to the next page', () => {
  const services = { text: JSON.stringify({ services: [{ status: 'enabled' }] }) };
  const linking = async (href: (path: string) => string) =>
    scriptedCompute((path) => {
      if (path === '/os-services') return services;
      return { text: JSON.stringify({ servers: [], servers_links: [{ rel: 'next', href: href(path) }] }) };
    });

  it('is never followed to another place', async () => {
    const other = await scriptedCompute(() => ({ text: '{"servers": []}' }));
    let pages = 0;
    const scripted = await linking(() => {
      pages += 1;
      return `${other.url}/servers/detail?marker=i-${Math.min(pages, 3)}`;
    });
    await expect(pagesOf(api('t', false, scripted.url))).rejects.toThrow('do not come to an end');
    expect(scripted.requests.map(({ url }) => url).slice(1)).toEqual(
      ['', '&marker=i-1', '&marker=i-2', '&marker=i-3'].map(
        (marker) => `/v2.1/servers/detail?all_tenants=1&limit=1000${marker}`,
      ),
    );
    expect(other.requests).toEqual([]);
    await Promise.all([scripted.close(), other.close()]);
  });
});
