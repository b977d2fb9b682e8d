import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { createDriver } from '../../../lib/drivers';
import { ProgramVolumes } from '../../../lib/drivers/nfs/program-volumes';
import { VolumeProgram } from '../../../lib/drivers/nfs/volume-program';
import { TerminalError, VolumeLost } from '../../../lib/ports/driver';
import { thisProcess } from '../../../lib/process-identity';
import { aVolume } from '../contract';

const IDENTITY = '0f8a1c52-6d1e-4f0a-9b6c-3d2e1f0a9b8c';
const { signal } = new AbortController();

describe('volumes by the volume program', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'nova-shared-filesystem-spec-'));
    for (const each of ['root', 'root/records', 'root/volumes', 'root/retired', 'mounts'])
      await mkdir(path.join(folder, each));
    await writeFile(path.join(folder, 'root/.shared-filesystem-backend'), `${IDENTITY}\n`);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** In the place of the program stands a script of these lines, which writes down what it was called with. */
  const driverWith = (script: string, volumes: Record<string, unknown> = {}) =>
    createDriver(
      {
        name: 'default',
        driver: 'nfs',
        server: 'exports-file',
        volumes: {
          kind: 'image',
          root: path.join(folder, 'root'),
          ...(volumes.kind === 'project-quota' ? {} : { mounts: path.join(folder, 'mounts') }),
          program: ['/bin/sh', '-c', `echo "$@" >> ${folder}/calls; ${script}`, 'program'],
          ...volumes,
        },
        exports: { directory: path.join(folder, 'exports'), exportAddress: '192.0.2.1' },
      },
      { process: thisProcess() },
    );
  const calls = async () => (await readFile(path.join(folder, 'calls'), 'utf8')).trim().split('\n');
  const configured = () => JSON.stringify({ kind: 'image', root: `${folder}/root`, mounts: `${folder}/mounts` });

  it('declare what they can', () => {
    const of = (kind: string) => driverWith('', { kind });
    expect(of('image').capabilities).toMatchObject({ quota: true, shrink: false, isolation: 'file-system' });
    expect(of('btrfs').capabilities).toMatchObject({ quota: true, shrink: true, isolation: 'none', usage: 'live' });
  });

  it('are made by the program with their size, which is set again', async () => {
    const volume = aVolume();
    const location = await driverWith('echo "{}"').ensure(volume, true, signal);
    expect(location).toBe(`192.0.2.1:${folder}/mounts/${volume.id}`);
    expect(await calls()).toEqual([`create ${volume.id} 1073741824`, `resize ${volume.id} 1073741824`]);
  });

  it('that an earlier call has made for nobody yet are made again, if they are too large', async () => {
    const volume = aVolume();
    await writeFile(path.join(folder, `root/volumes/${volume.id}.img`), '');
    await driverWith('echo "{}"').ensure(volume, true, signal);
    await driverWith('echo "{}"').ensure(volume, false, signal);
    const resize = `resize ${volume.id} 1073741824`;
    expect(await calls()).toEqual([`create ${volume.id} 1073741824`, resize, resize]);
  });

  it.each([
    ['what it says cannot be cured by waiting', 'echo "It holds more." >&2; exit 3', TerminalError, 'It holds more.'],
    ['that there is no such volume', 'exit 4', VolumeLost, 'not on its backend'],
    ['that sudo does not allow it', 'echo "sudo: a password is required" >&2; exit 1', Error, 'allow it by sudo'],
    ['an answer that is none', 'echo "ok"', SyntaxError, 'JSON'],
  ])('tell %s', async (_, script, type, words) => {
    const call = driverWith(script).ensure(aVolume(), true, signal);
    await expect(call).rejects.toThrow(type);
    await expect(call).rejects.toThrow(words);
  });

  it('of what may be cured by waiting are tried again', async () => {
    await expect(driverWith('exit 1').ensure(aVolume(), true, signal)).rejects.not.toThrow(TerminalError);
  });

  it('ask the program itself once, and again when it has failed', async () => {
    const driver = driverWith(`case $1 in check) echo '${configured()}' ;; *) exit 1 ;; esac`);
    for (const _ of [1, 2]) expect(await driver.check(signal)).toBe(IDENTITY);
    expect(await calls()).toEqual([`check ${IDENTITY}`]);
    await expect(driver.ensure(aVolume(), true, signal)).rejects.toThrow(Error);
    await driver.check(signal);
    expect((await calls()).at(-1)).toBe(`check ${IDENTITY}`);
  });

  it('are not worked on where the program is configured for other storage', async () => {
    const driver = driverWith(`echo '{"kind":"image","root":"/elsewhere","mounts":null}'`);
    await expect(driver.check(signal)).rejects.toThrow('/elsewhere');
  });

  it('have no marker where the storage is not mounted, and the program is not asked', async () => {
    await rm(path.join(folder, 'root/.shared-filesystem-backend'));
    expect(await driverWith('exit 1').check(signal)).toBeNull();
    await expect(calls()).rejects.toThrow('ENOENT');
  });

  it('that are a bare mount point are mounted before anybody is let in', async () => {
    const volume = aVolume();
    await writeFile(path.join(folder, `root/volumes/${volume.id}.img`), '');
    await mkdir(path.join(folder, `mounts/${volume.id}`));
    await driverWith('echo "{}"').syncAccess(volume, { addresses: ['10.0.0.1'], revision: 1n }, true, signal);
    expect(await calls()).toEqual([`mount ${volume.id}`]);
  });

  it('are exported as mount points alone, whatever the options say, by the kernel’s server', async () => {
    const list = { addresses: ['10.0.0.1'], revision: 1n };
    const exported = async (volumes: Record<string, unknown>) => {
      const volume = aVolume();
      await (volumes.kind === 'project-quota'
        ? mkdir(path.join(folder, `root/volumes/${volume.id}`))
        : writeFile(path.join(folder, `root/volumes/${volume.id}.img`), ''));
      await driverWith('echo "{}"', volumes).syncAccess(volume, list, true, signal);
      return readFile(path.join(folder, `exports/${volume.id}.exports`), 'utf8');
    };
    expect(await exported({})).toContain(',sec=sys,mountpoint,fsid=');
    expect(await exported({ kind: 'project-quota' })).not.toContain('mountpoint');
  });

  it('tell whether they had to be mounted', async () => {
    const volume = aVolume();
    const volumesIn = (mounts: string | null) =>
      new ProgramVolumes(
        mounts === null ? 'project-quota' : 'image',
        path.join(folder, 'root'),
        mounts,
        new VolumeProgram(['/bin/sh', '-c', 'echo "{}"']),
      );
    const mounted = volumesIn(path.join(folder, 'mounts'));
    expect(await mounted.has(volume.id, signal)).toBe('absent');
    await writeFile(path.join(folder, `root/volumes/${volume.id}.img`), '');
    expect(await mounted.has(volume.id, signal)).toBe('mounted-now');
    await mkdir(path.join(folder, `root/volumes/${volume.id}`));
    expect(await volumesIn(null).has(volume.id, signal)).toBe('present');
  });

  it('are used as one call tells', async () => {
    const [one, other] = [aVolume(), aVolume()];
    const driver = driverWith(`echo '{"used":{"${one.id}":"5","${aVolume().id}":"7"},"numbers":[]}'`);
    expect([...(await driver.usage([other, one], signal))]).toEqual([[one.id, 5n]]);
    expect(await calls()).toEqual([`usage ${IDENTITY}`]);
  });

  it.each(['{"used":{"a":5},"numbers":[]}', '{"used":{"a":"-5"},"numbers":[]}', '{"used":null,"numbers":[]}', '[]'])(
    'are not believed to be used as %s',
    async (answer) => {
      await expect(driverWith(`echo '${answer}'`).usage([aVolume()], signal)).rejects.toThrow(Error);
    },
  );

  it('are purged slice by slice', async () => {
    const script = `[ "$(wc -l < ${folder}/calls)" -ge 3 ] && echo '{"done":true}' || echo '{"done":false}'`;
    await driverWith(script).purge(aVolume(), signal);
    expect(await calls()).toHaveLength(3);
  });

  it('of kind project-quota get their number first', async () => {
    const volume = aVolume({ number: 17 });
    const driver = driverWith('echo "{}"', { kind: 'project-quota' });
    await driver.ensure(volume, true, signal);
    expect(await calls()).toEqual([`create ${volume.id} 17`, `resize ${volume.id} 1073741824`]);
    expect(driver.capabilities.largestNumber).toBe(2_147_483_647);
  });
});
