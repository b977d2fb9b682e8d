import { DbusObject } from '../../lib/drivers/nfs/dbus';
import { EXPORT_MANAGER, ExportManager } from '../../lib/drivers/nfs/export-manager';
import { ganeshaFolder } from '../support/ganesha-backend';
import { describeKilled } from '../support/ganesha-killed';
import { Ganesha } from './storage/ganesha';
import { StorageLab } from './storage/lab';

jest.mock('../../lib/drivers/durable-file', () => {
  const actual = jest.requireActual('../../lib/drivers/durable-file');
  const { endings } = jest.requireActual('../support/killer');
  return { ...actual, ...endings(actual) };
});

describeKilled('the real NFS-Ganesha', async () => {
  const lab = await StorageLab.make({ instances: 0 });
  const ganesha = new Ganesha(lab);
  await ganesha.start();
  const bus = new DbusObject(ganesha.bus, EXPORT_MANAGER);
  const { signal } = new AbortController();
  return {
    ...ganeshaFolder(lab.folder),
    bus,
    restart: async () => {
      await ganesha.kill();
      await ganesha.start();
    },
    served: async (number) =>
      (await new ExportManager(bus).show(number, signal))?.clients.map((each) => each.replace(/\/32$/, '')) ?? null,
    tearDown: () => lab.remove(),
  };
});
