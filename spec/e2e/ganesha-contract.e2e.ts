import * as path from 'node:path';
import { createDriver } from '../../lib/drivers';
import { thisProcess } from '../../lib/process-identity';
import { describeDriver } from '../drivers/contract';
import { directoriesOf } from '../support/ganesha-backend';
import { Ganesha } from './storage/ganesha';
import { StorageLab } from './storage/lab';

// a server each: numbers of one spec are not another's
describeDriver('nfs, the real NFS-Ganesha, and directories', async () => {
  const lab = await StorageLab.make({ instances: 0 });
  const ganesha = new Ganesha(lab);
  await ganesha.start();
  const root = path.join(lab.folder, 'volumes');
  const make = () => createDriver(ganesha.backend('filer1', root), { process: thisProcess() });
  return { driver: make(), another: make, ...directoriesOf(root), tearDown: () => lab.remove() };
});
