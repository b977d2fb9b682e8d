import { randomUUID } from 'node:crypto';
import { aVolume } from '../../drivers/contract';
import { GlusterCluster } from './cluster';

jest.setTimeout(120_000);
const { signal } = new AbortController();

describe('a Gluster that speaks IPv6', () => {
  let cluster: GlusterCluster;
  beforeAll(async () => {
    cluster = await GlusterCluster.start(1, 6);
  });
  afterAll(() => cluster?.end());

  it('lets in the addresses of the list, refuses others, and ends access', async () => {
    const driver = cluster.driver();
    await driver.mark(randomUUID(), signal);
    const volume = aVolume();
    const location = await driver.ensure(volume, true, signal);
    const sync = (addresses: readonly string[], revision: bigint) =>
      driver.syncAccess(volume, { addresses, revision }, true, signal);
    await sync(['10.99.0.12', 'fd00:99::11'], 1n);
    const [a, b] = [await cluster.client('fd00:99::11'), await cluster.client('fd00:99::12')];
    const folder = await a.mount(location);
    expect(folder).not.toBeNull();
    expect(await b.mount(location)).toBeNull();
    await a.namespace.shell(`echo from-a > ${folder}/a`);
    await sync(['10.99.0.12'], 2n);
    await expect(a.namespace.run('cat', `${folder}/a`)).rejects.toThrow();
    expect(await driver.readAccess(volume, signal)).toEqual(['10.99.0.12']);
  });
});
