import { writeFile } from 'node:fs/promises';
import * as path from 'node:path';
import { parseSize } from '../../../lib/domain/size';
import { createDriver } from '../../../lib/drivers';
import { type Driver, TerminalError, type Volume } from '../../../lib/ports/driver';
import { thisProcess } from '../../../lib/process-identity';
import { aVolume, describeDriver } from '../../drivers/contract';
import { Ganesha } from '../storage/ganesha';
import { type Place, StorageLab } from '../storage/lab';
import { NfsClients, USER } from '../storage/nfs-client';
import { Storage, type StorageKind } from './storage';

const signal = new AbortController().signal;
const MIB = 1024 * 1024;

/** Volumes of a kind on a real Ganesha: what a spec has of it, and how it ends. */
async function served(kind: StorageKind, instances: number) {
  const storage = await Storage.make(kind);
  const lab = await StorageLab.make({ instances });
  const ganesha = new Ganesha(lab);
  const remove = async () => {
    // the server first: what it exports cannot be unmounted
    await lab.remove();
    await storage.remove();
  };
  try {
    await ganesha.start();
  } catch (error) {
    await remove();
    throw error;
  }
  const options = { ...ganesha.backend('filer1', storage.root), volumes: storage.volumes };
  return { storage, lab, make: () => createDriver(options, { process: thisProcess() }), remove };
}

for (const kind of ['btrfs', 'xfs-images'] satisfies StorageKind[])
  describeDriver(`nfs, the real NFS-Ganesha, and ${kind}`, async () => {
    const { storage, make, remove } = await served(kind, 0);
    return { ...storage.accidents, driver: make(), another: make, tearDown: remove };
  });

describe.each<[StorageKind, string, number, string]>([
  ['btrfs', '20Mb', 12, 'NFS4ERR_DQUOT'],
  ['xfs-images', '300Mb', 290, 'NFS4ERR_NOSPC'],
  ['ext4-images', '20Mb', 12, 'NFS4ERR_NOSPC'],
])('a volume of %s with %s, written by a real client of a real NFS-Ganesha', (kind, size, filledMebibytes, error) => {
  let lab: StorageLab;
  let storage: Storage;
  let remove: () => Promise<void>;
  let driver: Driver;
  let clients: NfsClients;
  let one: Place;
  let volume: Volume;
  let location: string;
  const bytes = Number(parseSize(size).bytes);
  beforeAll(async () => {
    const all = await served(kind, 1);
    ({ lab, storage, remove } = all);
    driver = all.make();
    clients = await NfsClients.make(lab);
    [one] = lab.instances as [Place];
    await driver.mark('0f8a1c52-6d1e-4f0a-9b6c-3d2e1f0a9b8c', signal);
    volume = aVolume({ size: parseSize(size), number: 1 });
    location = await driver.ensure(volume, true, signal);
    await driver.syncAccess(volume, { addresses: [one.ipv4], revision: 1n }, true, signal);
    // clients write slowly: most of it is there before
    await writeFile(path.join(storage.pathOf(volume.id), 'before'), Buffer.alloc(filledMebibytes * MIB, 'x'));
  });
  afterAll(() => remove?.());

  const fill = async (file: string, wanted: number) =>
    (await clients.run(one, location, USER, ['fill', file, String(wanted)])).at(-1);

  it('holds its size, and no more', async () => {
    const told = await fill('/all', bytes);
    expect(told?.event).toBe('fill');
    expect(told?.text).toContain(error);
    const all = (told?.bytes ?? 0) + filledMebibytes * MIB;
    // what it gives less is its own bookkeeping
    expect(all).toBeGreaterThan(bytes * 0.97);
    expect(all).toBeLessThanOrEqual(bytes * 1.03 + 2 * MIB);
    const used = (await driver.usage([volume], signal)).get(volume.id);
    expect(Number(used)).toBeGreaterThan(bytes * 0.97);
  });

  it('is not made smaller than what is in it', async () => {
    const smaller = driver.ensure({ ...volume, size: parseSize('5Mb') }, false, signal);
    await expect(smaller).rejects.toThrow(TerminalError);
  });

  it('goes on after a resize, where the kind can grow here', async () => {
    const larger = driver.ensure({ ...volume, size: parseSize(`${bytes / MIB + 20}Mb`) }, false, signal);
    if (storage.accidents.refusesToGrow) await expect(larger).rejects.toThrow('CAP_SYS_RESOURCE');
    else {
      await larger;
      expect(await fill('/more', 15 * MIB)).toMatchObject({ event: 'fill', errno: 0, bytes: expect.any(Number) });
    }
  });

  it('can be retired while it is exported, and purged', async () => {
    await driver.retire(volume, signal);
    expect(await storage.isMounted(volume.id)).toBe(false);
    await driver.purge(volume, signal);
    expect(await storage.accidents.hasData(volume.id)).toBe(false);
  });
});
