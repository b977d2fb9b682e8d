import { rmdir, writeFile } from 'node:fs/promises';
import * as path from 'node:path';
import { createDriver } from '../../../lib/drivers';
import type { Driver, Volume } from '../../../lib/ports/driver';
import { thisProcess } from '../../../lib/process-identity';
import { aVolume } from '../../drivers/contract';
import { Ganesha } from '../storage/ganesha';
import { type Place, StorageLab } from '../storage/lab';
import { NfsClients, USER } from '../storage/nfs-client';
import { Storage, type StorageKind } from './storage';

const signal = new AbortController().signal;
const ENOENT = 2;

describe.each<StorageKind>(['xfs-images', 'btrfs'])(
  'a real NFS-Ganesha that was started while a volume of %s was not mounted',
  (kind) => {
    let storage: Storage;
    let lab: StorageLab;
    let ganesha: Ganesha;
    let driver: Driver;
    let clients: NfsClients;
    let one: Place;
    let volume: Volume;
    let location: string;
    let number = 0;
    beforeAll(async () => {
      storage = await Storage.make(kind);
      lab = await StorageLab.make({ instances: 1 });
      [one] = lab.instances as [Place];
      ganesha = new Ganesha(lab);
      await ganesha.start();
      clients = await NfsClients.make(lab);
      const options = { ...ganesha.backend('filer1', storage.root), volumes: storage.volumes };
      driver = createDriver(options, { process: thisProcess() });
      await driver.mark('0f8a1c52-6d1e-4f0a-9b6c-3d2e1f0a9b8c', signal);
    });
    afterAll(async () => {
      await lab?.remove();
      await storage?.remove();
    });
    beforeEach(async () => {
      number += 1;
      volume = aVolume({ number });
      location = await driver.ensure(volume, true, signal);
      await sync();
      await writeFile(path.join(storage.pathOf(volume.id), 'hello'), 'of the volume');
      await ganesha.kill();
      await storage.unmountVolume(volume.id);
    });

    const sync = () => driver.syncAccess(volume, { addresses: [one.ipv4], revision: 1n }, true, signal);
    const last = async (...command: readonly string[]) => (await clients.run(one, location, USER, command)).at(-1);

    it('exports nothing in its place, and the volume after the next sync', async () => {
      // what the volume program leaves of one that is not mounted: no folder
      await rmdir(storage.pathOf(volume.id)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      });
      await ganesha.start();
      expect(await last('stat', '/')).toMatchObject({ event: 'mount', errno: ENOENT });
      await sync();
      expect(await last('read', '/hello')).toMatchObject({ text: 'of the volume' });
    });

    it('lets go of a folder that was left there by hand, with the next sync', async () => {
      await ganesha.start();
      // it exports it: nothing but the path tells the server what a volume is
      expect(await last('stat', '/')).toMatchObject({ event: 'attributes' });
      expect(await last('read', '/hello')).not.toMatchObject({ text: 'of the volume' });
      await sync();
      expect(await last('read', '/hello')).toMatchObject({ text: 'of the volume' });
    });
  },
);
