import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstat, mkdir, readdir, readFile } from 'node:fs/promises';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { parseSize } from '../../../lib/domain/size';
import { createDriver } from '../../../lib/drivers';
import type { Driver } from '../../../lib/ports/driver';
import { thisProcess } from '../../../lib/process-identity';
import { BtrfsVolumes } from '../../../lib/volume-program/btrfs';
import { parseConfiguration } from '../../../lib/volume-program/configuration';
import { Layout } from '../../../lib/volume-program/layout';
import { aVolume } from '../../drivers/contract';
import { Storage } from './storage';

const exec = promisify(execFile);
const signal = new AbortController().signal;
const IDENTITY = '0f8a1c52-6d1e-4f0a-9b6c-3d2e1f0a9b8c';
const MIB = 1024 ** 2;

const driverOf = (storage: Storage): Driver =>
  createDriver(
    {
      name: 'default',
      driver: 'nfs',
      server: 'exports-file',
      volumes: storage.volumes,
      exports: { directory: path.join(storage.folder, 'exports'), exportAddress: '192.0.2.1' },
    },
    { process: thisProcess() },
  );

describe('the size of an image', () => {
  let storage: Storage;
  beforeEach(async () => {
    storage = await Storage.make('xfs-images');
  });
  afterEach(() => storage.remove());

  it('is what was asked for, whatever its users write and delete while it grows', async () => {
    const driver = driverOf(storage);
    await driver.mark(IDENTITY, signal);
    const volume = { ...aVolume(), size: parseSize('300Mb') };
    await driver.ensure(volume, true, signal);
    const begun = (await lstat(storage.dataOf(volume.id))).size;
    const file = path.join(storage.pathOf(volume.id), 'file');
    const script = 'echo ready; while :; do fallocate -l 250M "$1"; rm -f "$1"; done';
    const user = spawn('/bin/sh', ['-c', script, 'user', file], { stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = once(user, 'exit');
    try {
      await once(user.stdout, 'data');
      let size = 300;
      for (let more = 0; more < 6; more += 1) {
        size += 10;
        await driver.ensure({ ...volume, size: parseSize(`${size}Mb`) }, false, signal);
      }
    } finally {
      user.kill('SIGKILL');
      await ended;
    }
    const grown = (await lstat(storage.dataOf(volume.id))).size - begun;
    // 60 MiB, and for each step what the file system keeps of it
    expect(grown / MIB).toBeLessThan(60 + 6 * 4);
  });
});

describe('the size of a subvolume', () => {
  let storage: Storage;
  let driver: Driver;
  beforeEach(async () => {
    storage = await Storage.make('btrfs');
    driver = driverOf(storage);
    await driver.mark(IDENTITY, signal);
  });
  afterEach(() => storage.remove());

  const limits = async () => (await exec('btrfs', ['qgroup', 'show', '--raw', '-r', storage.root])).stdout;

  it('is set again when quota was switched off and on', async () => {
    const volume = { ...aVolume(), size: parseSize('20Mb') };
    await driver.ensure(volume, true, signal);
    await exec('btrfs', ['quota', 'disable', storage.root]);
    await exec('btrfs', ['quota', 'enable', storage.root]);
    await exec('btrfs', ['quota', 'rescan', '-w', storage.root]);
    expect(await limits()).not.toMatch(/ 20971520 /);
    await driver.usage([volume], signal);
    expect(await limits()).toMatch(/ 20971520 /);
    await expect(storage.accidents.write(volume.id, 60 * MIB)).rejects.toThrow(/EDQUOT|-122/);
    await driver.retire(volume, signal);
    await driver.restore(volume, signal);
    await driver.retire(volume, signal);
    await driver.purge(volume, signal);
    expect(await driver.volumes(signal)).toEqual([]);
  });

  it('is destroyed slice by slice: one that is not done in its time is gone on with', async () => {
    const volume = { ...aVolume(), size: parseSize('20Mb') };
    await driver.ensure(volume, true, signal);
    await driver.retire(volume, signal);
    const text = await readFile(path.join(storage.folder, 'volumes.json'), 'utf8');
    const volumes = new BtrfsVolumes(new Layout(parseConfiguration(text)), 0o1777);
    expect(await volumes.purge(volume.id, AbortSignal.abort())).toBe(false);
    await exec('btrfs', ['subvolume', 'delete', '--commit-after', storage.dataOf(volume.id, 'retired')]);
    expect(await volumes.purge(volume.id, AbortSignal.abort())).toBe(false);
    expect(await volumes.purge(volume.id, signal)).toBe(true);
    expect(await readdir(path.join(storage.root, 'retired'))).toEqual([]);
  });

  it('is found where the storage is a subvolume itself', async () => {
    await exec('umount', [storage.mounts]);
    await exec('btrfs', ['subvolume', 'create', path.join(storage.root, 'own')]);
    await exec('umount', [storage.root]);
    await exec('mount', ['-o', 'loop,subvol=own', path.join(storage.folder, 'btrfs.img'), storage.root]);
    await driver.mark(IDENTITY, signal);
    const volume = { ...aVolume(), size: parseSize('20Mb') };
    await driver.ensure(volume, true, signal);
    await storage.accidents.write(volume.id, 5 * MIB);
    expect((await driver.usage([volume], signal)).get(volume.id)).toBeGreaterThan(BigInt(5 * MIB));
  });

  it('is not that of another subvolume, which somebody has made under a like path', async () => {
    const volume = { ...aVolume(), size: parseSize('20Mb') };
    await driver.ensure(volume, true, signal);
    await mkdir(path.join(storage.root, 'other/volumes'), { recursive: true });
    const foreign = path.join(storage.root, 'other/volumes', volume.id);
    await exec('btrfs', ['subvolume', 'create', foreign]);
    await exec('sh', ['-c', `head -c 5000000 /dev/urandom > ${foreign}/file && sync -f ${foreign}`]);
    expect((await driver.usage([volume], signal)).get(volume.id)).toBeLessThan(1_000_000n);
  });
});
