import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { createDriver } from '../../lib/drivers';
import type { Driver, Volume } from '../../lib/ports/driver';
import { thisProcess } from '../../lib/process-identity';
import { aVolume } from '../drivers/contract';
import { exportfsIn } from './volumes/real-exportfs';

/** What the machine's own NFS server has: no spec may change it. */
const OF_THE_MACHINE = ['/etc/exports', '/etc/exports.d', '/var/lib/nfs/etab'];
const signal = new AbortController().signal;

const ofTheMachine = () =>
  Promise.all(OF_THE_MACHINE.map((each) => readFile(each, 'utf8').catch(() => readdir(each).catch(() => null))));

describe('the real exportfs', () => {
  let folder: string;
  let before: unknown;
  let driver: Driver;
  let volume: Volume;
  beforeAll(async () => {
    before = await ofTheMachine();
  });
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'nova-shared-filesystem-e2e-'));
    driver = createDriver(
      {
        name: 'default',
        driver: 'nfs',
        server: 'exports-file',
        volumes: { kind: 'directory', root: path.join(folder, 'volumes, "all" of them') },
        exports: {
          directory: path.join(folder, 'exports'),
          exportAddress: '192.0.2.1',
          exportPath: '/volumes',
          reload: [await exportfsIn(folder), '-ra'],
          table: path.join(folder, 'nfs', 'etab'),
        },
      },
      { process: thisProcess() },
    );
    await driver.mark('0f8a1c52-6d1e-4f0a-9b6c-3d2e1f0a9b8c', signal);
    await driver.check(signal);
    volume = await made();
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const made = async (): Promise<Volume> => {
    const each = aVolume();
    await driver.ensure(each, true, signal);
    return each;
  };
  const sync = (each: Volume, addresses: readonly string[], revision: bigint, mayGrant = true) =>
    driver.syncAccess(each, { addresses, revision }, mayGrant, signal);
  /** The lines of the server's own table, `path<tab>client(options)`: not read by our code. */
  const table = async () =>
    (await readFile(path.join(folder, 'nfs', 'etab'), 'utf8')).split('\n').filter((line) => line !== '');
  const clients = async (each: Volume) =>
    (await table())
      .filter((line) => line.split('\t')[0]?.endsWith(`/${each.id}`))
      .map((line) => line.split('\t')[1]?.split('(')[0]);

  it('lets in exactly the entitled addresses, IPv4 and IPv6', async () => {
    expect(await sync(volume, ['10.20.0.19', 'fd00:20::13'], 1n)).toEqual({ refused: new Map() });
    expect(await table()).toHaveLength(2);
    expect(await clients(volume)).toEqual(['10.20.0.19', 'fd00:20::13']);
    await sync(volume, ['10.20.0.20', 'fd00:20::13'], 2n);
    expect(new Set(await clients(volume))).toEqual(new Set(['10.20.0.20', 'fd00:20::13']));
    expect(await driver.readAccess(volume, signal)).toEqual(['10.20.0.20', 'fd00:20::13']);
  });

  it('takes the options as they were written', async () => {
    await sync(volume, ['10.20.0.19'], 1n);
    const options = /\((.*)\)$/.exec((await table())[0] ?? '')?.[1]?.split(',');
    expect(options).toEqual(
      expect.arrayContaining([
        'rw',
        'sync',
        'no_subtree_check',
        'root_squash',
        'secure',
        'sec=sys',
        `fsid=${volume.id}`,
      ]),
    );
  });

  it('lets in nobody when the list is emptied', async () => {
    await sync(volume, ['10.20.0.19'], 1n);
    await sync(volume, [], 2n);
    expect(await table()).toEqual([]);
    expect(await driver.readAccess(volume, signal)).toEqual([]);
  });

  it('takes 10,000 addresses, and one away from them', async () => {
    const addresses = Array.from({ length: 10_000 }, (_, index) => `10.30.${index >> 8}.${index & 255}`);
    await sync(volume, addresses, 1n);
    expect(new Set(await clients(volume))).toEqual(new Set(addresses));
    expect(await driver.readAccess(volume, signal)).toEqual(addresses);
    await sync(volume, addresses.slice(1), 2n, false);
    expect(new Set(await clients(volume))).toEqual(new Set(addresses.slice(1)));
  });

  it('serves many volumes that change at once, each with its own list', async () => {
    const volumes = await Promise.all(Array.from({ length: 20 }, made));
    await Promise.all(volumes.map((each, index) => sync(each, [`10.40.0.${index}`], 1n)));
    expect(await Promise.all(volumes.map(clients))).toEqual(volumes.map((_, index) => [`10.40.0.${index}`]));
  });

  it('forgets a volume that is retired', async () => {
    await sync(volume, ['10.20.0.19'], 1n);
    await driver.retire(volume, signal);
    expect(await table()).toEqual([]);
  });

  it('takes our file beside one that it cannot read', async () => {
    await writeFile(path.join(folder, 'exports', 'broken.exports'), '/home 10.0.0.9(bogus)\n');
    await sync(volume, ['10.20.0.19'], 1n);
    expect(await clients(volume)).toEqual(['10.20.0.19']);
  });

  it('is not believed while it still lets in somebody else', async () => {
    const line = `${path.join(folder, 'volumes, "all" of them', volume.id).replace(/[ ,"]/g, escaped)} 10.0.0.9(rw,no_subtree_check)\n`;
    await writeFile(path.join(folder, 'exports', 'a-foreign.exports'), line);
    await expect(sync(volume, ['10.20.0.19'], 1n)).rejects.toThrow('10.0.0.9');
    expect(await driver.readAccess(volume, signal)).toContain('10.0.0.9');
  });

  it('has left the machine as it was', async () => {
    expect(await ofTheMachine()).toEqual(before);
  });
});

const escaped = (character: string) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`;
