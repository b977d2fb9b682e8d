import * as path from 'node:path';
import { createDriver } from '../../../lib/drivers';
import { thisProcess } from '../../../lib/process-identity';
import { describeDriver } from '../../drivers/contract';
import { exportfsIn } from './real-exportfs';
import { Storage, type StorageKind } from './storage';

/** Every kind, judged by the table of the real exportfs. */
for (const kind of ['btrfs', 'xfs-images', 'ext4-images'] satisfies StorageKind[])
  describeDriver(`nfs, exports files and ${kind}`, async () => {
    const storage = await Storage.make(kind);
    const options = {
      name: 'default',
      driver: 'nfs',
      server: 'exports-file',
      volumes: storage.volumes,
      exports: {
        directory: path.join(storage.folder, 'exports'),
        exportAddress: '192.0.2.1',
        reload: [await exportfsIn(storage.folder), '-ra'],
        table: path.join(storage.folder, 'nfs', 'etab'),
      },
    };
    const make = () => createDriver(options, { process: thisProcess() });
    return {
      ...storage.accidents,
      driver: make(),
      another: make,
      tearDown: () => storage.remove(),
    };
  });
