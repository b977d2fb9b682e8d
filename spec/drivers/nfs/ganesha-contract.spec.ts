import { rm } from 'node:fs/promises';
import { directoriesOf, ganeshaOfStandIn } from '../../support/ganesha-backend';
import { describeDriver } from '../contract';

describeDriver('nfs, a stand-in for NFS-Ganesha, and directories', async () => {
  const { folder, root, make } = await ganeshaOfStandIn();
  return {
    driver: make(),
    another: make,
    ...directoriesOf(root),
    tearDown: () => rm(folder, { recursive: true, force: true }),
  };
});
