import { describeDriver } from '../../drivers/contract';
import { BRICKS, GlusterCluster } from './cluster';

jest.setTimeout(120_000);

let cluster: GlusterCluster;
beforeAll(async () => {
  cluster = await GlusterCluster.start();
});
afterAll(() => cluster?.end());

const isStarted = async (id: string) =>
  (await cluster.gluster('volume', 'info', id).catch(() => '')).includes('Status: Started');

describeDriver('gluster, the real glusterd', async () => {
  const gone = new Set<string>();
  return {
    driver: cluster.driver(),
    another: () => cluster.driver(),
    unmount: async () => {
      const started = (await cluster.gluster('volume', 'list')).trim().split('\n');
      const mount = await cluster.unmount();
      return async () => {
        await mount();
        // as glusterd does when it starts
        for (const name of started.slice(-2)) await cluster.gluster('volume', 'start', name, 'force');
        await cluster.gluster('volume', 'start', 'nova-shared-filesystem-marker', 'force');
      };
    },
    removeVolume: async (id) => {
      await cluster.gluster('volume', 'stop', id);
      await cluster.gluster('volume', 'delete', id);
      gone.add(id);
    },
    write: async (id, bytes) => {
      const folder = `/run/mnt-${id}`;
      await cluster.node.shell(`mkdir -p ${folder} && mount -t glusterfs 10.99.0.1:/${id} ${folder} &&
        head -c ${bytes} /dev/urandom > ${folder}/data && sync ${folder}/data && umount ${folder}`);
    },
    files: async (id) => ((await isStarted(id)) ? await cluster.brick(id) : null),
    hasData: async (id) => (await cluster.brick(id)) !== null,
    listGoesWithVolume: true,
    tearDown: async () => {
      for (const id of gone) await cluster.node.run('rm', '-rf', `${BRICKS}/${id}`);
    },
  };
});
