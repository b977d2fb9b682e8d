import { readFile, stat, writeFile } from 'node:fs/promises';
import * as path from 'node:path';
import { createDriver } from '../../lib/drivers';
import { DbusObject } from '../../lib/drivers/nfs/dbus';
import { EXPORT_MANAGER, ExportManager } from '../../lib/drivers/nfs/export-manager';
import type { Driver, Volume } from '../../lib/ports/driver';
import { thisProcess } from '../../lib/process-identity';
import { aVolume } from '../drivers/contract';
import { Ganesha } from './storage/ganesha';
import { type Place, StorageLab } from './storage/lab';
import { NfsClients, type NfsLoop, ROOT, USER } from './storage/nfs-client';

const signal = new AbortController().signal;
const ENOENT = 2;
const EACCES = 13;
const RECORD = 64;
/** What an export of ours says has no part of this. */
const OPEN =
  '  Access_Type = RW;\n  Squash = no_root_squash;\n  PrivilegedPort = false;\n  SecType = none, sys;\n  Protocols = 4;';
/** Of each kind of operation: enough to be sure that a loop goes on. */
const SOME = 20;

describe('real clients of a real NFS-Ganesha', () => {
  let lab: StorageLab;
  let ganesha: Ganesha;
  let clients: NfsClients;
  let driver: Driver;
  let one: Place;
  let other: Place;
  let stranger: Place;
  let volume: Volume;
  let location: string;
  let revision = 0n;
  beforeAll(async () => {
    lab = await StorageLab.make({ instances: 3 });
    [one, other, stranger] = lab.instances as [Place, Place, Place];
    ganesha = new Ganesha(lab, OPEN);
    await ganesha.start();
    clients = await NfsClients.make(lab);
    driver = createDriver(ganesha.backend('filer1', path.join(lab.folder, 'volumes')), { process: thisProcess() });
    await driver.mark('0f8a1c52-6d1e-4f0a-9b6c-3d2e1f0a9b8c', signal);
    await driver.check(signal);
  });
  afterAll(() => lab?.remove());
  let number = 0;
  beforeEach(async () => {
    number += 1;
    volume = aVolume({ number });
    location = await driver.ensure(volume, true, signal);
    await letIn(one, other);
  });

  const letIn = async (...places: readonly Place[]) => {
    revision += 1n;
    await driver.syncAccess(volume, { addresses: places.map(({ ipv4 }) => ipv4), revision }, true, signal);
  };
  const onFiler = (file: string) => path.join(lab.folder, 'volumes', volume.id, file);
  const last = async (...call: Parameters<NfsClients['run']>) => (await clients.run(...call)).at(-1);

  it('mount, write, and read each other’s files', async () => {
    expect(await last(one, location, USER, ['write', '/hello', 'from one'])).toMatchObject({
      event: 'close',
      errno: 0,
    });
    expect(await last(other, location, USER, ['read', '/hello'])).toMatchObject({ event: 'text', text: 'from one' });
    expect(await readFile(onFiler('hello'), 'utf8')).toBe('from one');
  });

  it('are nobody as root, and themselves as a user', async () => {
    await clients.run(one, location, ROOT, ['write', '/of-root', 'x']);
    await clients.run(one, location, USER, ['write', '/of-user', 'x']);
    expect((await stat(onFiler('of-root'))).uid).toBe(4_294_967_294);
    expect((await stat(onFiler('of-user'))).uid).toBe(1000);
    expect(await last(other, location, ROOT, ['write', '/of-user', 'y'])).toMatchObject({
      event: 'open',
      errno: EACCES,
    });
    expect(await last(other, location, { uid: 1001, gid: 1001 }, ['write', '/of-user', 'y'])).toMatchObject({
      event: 'open',
      errno: EACCES,
    });
  });

  it('do not see the export when their address is not in the list', async () => {
    expect(await clients.run(stranger, location, USER, ['stat', '/'])).toMatchObject([
      { event: 'mount', errno: ENOENT },
    ]);
    expect(await clients.run(stranger, location, ROOT, ['stat', '/'])).toMatchObject([
      { event: 'mount', errno: ENOENT },
    ]);
  });

  it('do not see it from a source port that is not privileged', async () => {
    const unprivileged = ['setpriv', '--reuid=1000', '--regid=1000', '--clear-groups'];
    expect(await last(one, location, USER, ['stat', '/'], unprivileged)).toMatchObject({
      event: 'mount',
      errno: ENOENT,
    });
    expect(await last(one, location, USER, ['stat', '/'])).toMatchObject({ event: 'attributes' });
  });

  it('are let in by a block of exactly their addresses, and nobody beside it is', async () => {
    // 10.99.0.11 by itself, 10.99.0.12 in a block that ends before 10.99.0.13, an address of the stranger
    await driver.syncAccess(volume, { addresses: [one.ipv4], revision: ++revision }, true, signal);
    expect(await last(other, location, USER, ['stat', '/'])).toMatchObject({ event: 'mount', errno: ENOENT });
    const run = Array.from({ length: 5 }, (_, index) => `10.99.0.${8 + index}`);
    await driver.syncAccess(volume, { addresses: run, revision: ++revision }, true, signal);
    expect(await readFile(path.join(ganesha.exports, `${volume.id}.conf`), 'utf8')).toContain('10.99.0.8/30');
    expect(await last(one, location, USER, ['stat', '/'])).toMatchObject({ event: 'attributes' });
    expect(await last(other, location, USER, ['stat', '/'])).toMatchObject({ event: 'attributes' });
    expect(await last(stranger, location, USER, ['stat', '/'])).toMatchObject({ event: 'mount', errno: ENOENT });
  });

  it('lose every operation when their address leaves, while a neighbour loses nothing, and go on when it is back', async () => {
    const [leaving, staying] = [
      await clients.loop(one, location, USER, '/leaving'),
      await clients.loop(other, location, USER, '/staying'),
    ];
    await worked(leaving);
    await letIn(other);
    await leaving.mark();
    const cutOff = await failed(leaving);
    expect(cutOff).toMatchObject({ writes: 0, reads: 0, stats: 0 });
    expect(leaving.lines.filter(({ errno }) => errno !== undefined && errno !== 0).map(({ errno }) => errno)).toEqual(
      Array.from({ length: 3 }, () => EACCES),
    );

    await letIn(one, other);
    await leaving.mark();
    // the same open file
    expect(await worked(leaving)).toMatchObject({ failures: 0 });
    await leaving.end();
    const { records, failures } = await staying.end();
    expect(failures).toBe(0);
    expect(staying.lines.filter(({ event }) => ['write', 'read', 'stat'].includes(event))).toEqual([]);
    await everyRecord(onFiler('staying'), records);
  });

  it('lose every operation when the filesystem is deleted', async () => {
    const loop = await clients.loop(one, location, USER, '/file');
    await worked(loop);
    await driver.retire(volume, signal);
    await loop.mark();
    expect(await failed(loop)).toMatchObject({ writes: 0, reads: 0, stats: 0 });
    await loop.end();
    expect(await last(one, location, USER, ['stat', '/'])).toMatchObject({ event: 'mount', errno: ENOENT });
  });

  it('find their exports when the server is started again', async () => {
    await clients.run(one, location, USER, ['write', '/hello', 'from one']);
    await ganesha.kill();
    await ganesha.start();
    expect(await driver.readAccess(volume, signal)).toEqual([one.ipv4, other.ipv4]);
    expect(await last(other, location, USER, ['read', '/hello'])).toMatchObject({ text: 'from one' });
    expect(await last(stranger, location, USER, ['stat', '/'])).toMatchObject({ event: 'mount', errno: ENOENT });
    await letIn(other);
    expect(await last(one, location, USER, ['stat', '/'])).toMatchObject({ event: 'mount', errno: ENOENT });
  });

  it('are let in again by the list alone, after somebody has opened the export itself by hand, with the next run', async () => {
    const text = await readFile(path.join(ganesha.exports, `${volume.id}.conf`), 'utf8');
    const opened = path.join(lab.folder, 'opened.conf');
    await writeFile(opened, text.replace('Access_Type = NONE', 'Access_Type = RW'));
    const manager = new ExportManager(new DbusObject(ganesha.bus, EXPORT_MANAGER));
    await manager.update(opened, number, signal);
    expect(await last(stranger, location, USER, ['stat', '/'])).toMatchObject({ event: 'attributes' });
    // the server tells of clients alone (docs/drivers.md)
    expect(await driver.readAccess(volume, signal)).toEqual([one.ipv4, other.ipv4]);
    await letIn(one, other);
    expect(await last(stranger, location, USER, ['stat', '/'])).toMatchObject({ event: 'mount', errno: ENOENT });
  });

  it('are not let in again by a server that was down when they had to go', async () => {
    await ganesha.stop();
    await expect(letIn(other)).rejects.toThrow('org.ganesha.nfsd');
    await expect(driver.check(signal)).rejects.toThrow('NFS-Ganesha is not on the D-Bus: start it');
    await ganesha.start();
    await driver.check(signal);
    expect(await last(one, location, USER, ['stat', '/'])).toMatchObject({ event: 'mount', errno: ENOENT });
    expect(await last(other, location, USER, ['stat', '/'])).toMatchObject({ event: 'attributes' });
  });

  it('find their exports again after the bus has gone, with which the server ends, and the driver finds the new one', async () => {
    await ganesha.killBus();
    await ganesha.ended();
    await expect(letIn(other)).rejects.toThrow('D-Bus');
    await expect(driver.check(signal)).rejects.toThrow('NFS-Ganesha cannot be called');
    await ganesha.start();
    await driver.check(signal);
    expect(await last(one, location, USER, ['stat', '/'])).toMatchObject({ event: 'mount', errno: ENOENT });
    await letIn(one);
    expect(await driver.readAccess(volume, signal)).toEqual([one.ipv4]);
  });

  /** Some operations of each kind have succeeded since the mark before. */
  async function worked(loop: NfsLoop) {
    return loop.tally(({ writes, reads, stats }) =>
      Math.min(writes, reads, stats) > SOME ? null : `${writes} writes, ${reads} reads, ${stats} stats`,
    );
  }

  /** Some operations have failed since the mark before; what succeeded in that time. */
  async function failed(loop: NfsLoop) {
    return loop.tally(({ failures }) => (failures > 3 * SOME ? null : `${failures} failures`));
  }
});

/** Nothing that a client was told is written is missing, or another's. */
async function everyRecord(file: string, records: number): Promise<void> {
  const text = await readFile(file, 'utf8');
  expect(text).toHaveLength(records * RECORD);
  const wrong = Array.from({ length: records }, (_, index) => index).filter(
    (index) => Number(text.slice(index * RECORD, (index + 1) * RECORD)) !== index,
  );
  expect(wrong).toEqual([]);
}
