import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { createDriver } from '../../../lib/drivers';
import { METADATA } from '../../../lib/drivers/manila/share';
import { thisProcess } from '../../../lib/process-identity';
import { manilaOptions } from '../../support/manila-options';
import { ManilaStandIn } from '../../support/manila-stand-in';
import { describeDriver } from '../contract';

// what a share holds is Manila's: that it is the same share all the time stands for it
const DATA = 'data';

describeDriver('manila', async () => {
  const manila = new ManilaStandIn();
  await manila.start();
  const locks = await mkdtemp(path.join(tmpdir(), 'nova-shared-filesystem-spec-'));
  const make = () => createDriver(manilaOptions(manila, locks), { process: thisProcess() });
  const shareOf = (id: string) => [...manila.shares.values()].find(({ metadata }) => metadata[METADATA.id] === id);
  return {
    driver: make(),
    another: make,
    ofAnotherService: true,
    listGoesWithVolume: true,
    unmount: async () => {
      const { markers } = manila;
      manila.markers = [];
      return async () => {
        manila.markers = markers;
      };
    },
    removeVolume: async (id) => {
      manila.shares.delete(shareOf(id)?.id ?? '');
    },
    write: async (id) => {
      const share = shareOf(id);
      if (share) share.metadata[DATA] = 'written';
    },
    files: async (id) => {
      const share = shareOf(id);
      if (share?.metadata[METADATA.state] !== 'in-service') return null;
      return share.metadata[DATA] === undefined ? [] : [DATA];
    },
    hasData: async (id) => shareOf(id) !== undefined,
    tearDown: async () => {
      await manila.stop();
      await rm(locks, { recursive: true });
    },
  };
});
