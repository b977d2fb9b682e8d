import { randomUUID } from 'node:crypto';
import { aVolume } from '../../drivers/contract';
import { eventually } from '../../support/eventually';
import { BRICKS, GlusterCluster } from './cluster';

jest.setTimeout(120_000);
const { signal } = new AbortController();

describe('isolation of Gluster volumes', () => {
  let cluster: GlusterCluster;
  beforeAll(async () => {
    cluster = await GlusterCluster.start();
  });
  afterAll(() => cluster?.end());

  it('is declared as none, since root on a client can take the credentials of Gluster’s own daemons', async () => {
    const driver = cluster.driver();
    expect(driver.capabilities.isolation).toBe('none');
    await driver.mark(randomUUID(), signal);
    const volume = aVolume();
    const location = await driver.ensure(volume, true, signal);
    const stranger = await cluster.client('10.99.0.13');
    expect(await stranger.mount(location)).toBeNull();

    // should this fail some day: docs/drivers.md says that it works
    const { namespace } = stranger;
    await namespace.run('mkdir', '-p', '/mnt/all');
    await namespace.run('glusterfs', '--volfile-server=10.99.0.1', '--volfile-id=gluster/quotad', '/mnt/all');
    const write = async () => {
      await namespace.shell('echo evil > /mnt/all/evil');
      return cluster.node.shell(`ls ${BRICKS}/${volume.id}/evil`);
    };
    await eventually(
      () =>
        write().then(
          () => null,
          (error: unknown) => String(error),
        ),
      60_000,
    );
  });
});
