import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { createGlusterDriver } from '../../../lib/drivers/gluster';
import { Settings } from '../../../lib/drivers/settings';
import { thisProcess } from '../../../lib/process-identity';
import { GlusterStandIn } from '../../support/gluster-stand-in';
import { describeDriver } from '../contract';

describeDriver('gluster, a stand-in for its CLI', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'nova-shared-filesystem-spec-'));
  const gluster = new GlusterStandIn();
  const make = () =>
    createGlusterDriver(
      new Settings(
        {
          bricks: ['192.0.2.1:/bricks/one/volumes'],
          exportAddress: '192.0.2.1',
          brickCommand: true,
          lockDirectory: path.join(folder, 'locks'),
        },
        'backend "gluster"',
      ),
      'settings',
      thisProcess(),
      { run: gluster.run, partingMilliseconds: 1_000 },
    );
  return {
    driver: make(),
    another: make,
    unmount: async () => {
      gluster.isMounted = false;
      return async () => {
        gluster.isMounted = true;
      };
    },
    removeVolume: async (id) => {
      gluster.volumes.delete(id);
      gluster.data.delete(id);
    },
    write: async (id, bytes) => {
      gluster.data.get(id)?.set(randomUUID(), bytes);
    },
    files: async (id) => {
      const isServed = gluster.volumes.get(id)?.isStarted && gluster.isMounted;
      return isServed ? [...(gluster.data.get(id)?.keys() ?? [])] : null;
    },
    hasData: async (id) => gluster.data.has(id),
    listGoesWithVolume: true,
    tearDown: () => rm(folder, { recursive: true, force: true }),
  };
});
