import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { createDriver } from '../../../lib/drivers';
import { thisProcess } from '../../../lib/process-identity';
import { aVolume } from '../../drivers/contract';
import { Storage, type StorageKind } from './storage';

const exec = promisify(execFile);
const signal = new AbortController().signal;
const ESTALE = 116;

describe('a file handle of one volume', () => {
  let folder: string;
  let probe: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'nova-shared-filesystem-e2e-'));
    probe = path.join(folder, 'handle-probe');
    await exec('gcc', ['-O2', '-Wall', '-o', probe, path.join(__dirname, 'handle-probe.c')]);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each<[StorageKind, string, 'file-system' | 'none', string | number]>([
    ['directory', 'opens through another', 'none', 'secret'],
    ['btrfs', 'opens through another', 'none', 'secret'],
    ['xfs-images', 'is stale through another', 'file-system', ESTALE],
    ['ext4-images', 'is stale through another', 'file-system', ESTALE],
  ])('of %s %s, as is declared: %s', async (kind, _, isolation, expected) => {
    const storage = await Storage.make(kind);
    try {
      const driver = createDriver(
        {
          name: 'default',
          driver: 'nfs',
          server: 'exports-file',
          volumes: storage.volumes,
          exports: { directory: path.join(storage.folder, 'exports'), exportAddress: '192.0.2.1' },
        },
        { process: thisProcess() },
      );
      await driver.mark('0f8a1c52-6d1e-4f0a-9b6c-3d2e1f0a9b8c', signal);
      const volumes = [aVolume({ name: 'one' }), aVolume({ name: 'another' }), aVolume({ name: 'a third' })];
      for (const each of volumes) await driver.ensure(each, true, signal);
      const [one, ...others] = volumes.map(({ id }) => storage.pathOf(id));
      const file = path.join(one ?? '', 'file');
      await writeFile(file, 'secret');
      const open = async (through: string): Promise<string | number> =>
        exec(probe, [file, through]).then(
          ({ stdout }) => stdout,
          ({ code }: { code: number }) => code,
        );
      expect(await open(one ?? '')).toBe('secret');
      expect(driver.capabilities.isolation).toBe(isolation);
      for (const other of others) expect(await open(other)).toBe(expected);
    } finally {
      await storage.remove();
    }
  });
});
