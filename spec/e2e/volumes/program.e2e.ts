import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  chown,
  copyFile,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  symlink,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises';
import * as path from 'node:path';
import { parseSize } from '../../../lib/domain/size';
import { createDriver } from '../../../lib/drivers';
import { type Driver, TerminalError, VolumeLost } from '../../../lib/ports/driver';
import { thisProcess } from '../../../lib/process-identity';
import { aVolume } from '../../drivers/contract';
import { Storage } from './storage';

const signal = new AbortController().signal;
const IDENTITY = '0f8a1c52-6d1e-4f0a-9b6c-3d2e1f0a9b8c';
const OTHER = '1f8a1c52-6d1e-4f0a-9b6c-3d2e1f0a9b8c';

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const run = (program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> =>
  new Promise((resolve) =>
    execFile(program, args, { env: { PATH: process.env.PATH, ...env } }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : Number(error !== null), stdout, stderr }),
    ),
  );

describe('the volume program', () => {
  let storage: Storage;
  let driver: Driver;
  beforeEach(async () => {
    storage = await Storage.make('ext4-images');
    driver = createDriver(
      {
        name: 'default',
        driver: 'nfs',
        server: 'exports-file',
        volumes: storage.volumes,
        exports: { directory: path.join(storage.folder, 'exports'), exportAddress: '192.0.2.1' },
      },
      { process: thisProcess() },
    );
  });
  afterEach(() => storage.remove());

  const [program, ...first] = [process.execPath, 'program.cjs', 'volumes.json'];
  const call = (...args: readonly string[]) =>
    run(program, [...first.map((name) => path.join(storage.folder, name)), ...args]);
  const configuration = () => path.join(storage.folder, 'volumes.json');
  const there = (folder: string) => readdir(path.join(storage.root, folder));

  describe('over storage that is not as it should be', () => {
    const volume = aVolume();
    beforeEach(async () => {
      await driver.mark(IDENTITY, signal);
    });

    it.each<[string, RegExp, () => Promise<unknown>]>([
      ['whose configuration others can write', /go-w/, () => chmod(configuration(), 0o666)],
      ['whose configuration is another account’s', /chown/, () => chown(configuration(), 1000, 1000)],
      ['whose configuration’s folder others can write', /go-w/, () => chmod(storage.folder, 0o777)],
      [
        'whose configuration is a link',
        /cannot be used/,
        async () => {
          await rename(configuration(), `${configuration()}.real`);
          await symlink(`${configuration()}.real`, configuration());
        },
      ],
      ['that has no marker', /no marker/, () => unlink(path.join(storage.root, '.shared-filesystem-backend'))],
      [
        'whose marker is no identity',
        /another marker/,
        () => writeFile(path.join(storage.root, '.shared-filesystem-backend'), '*\n'),
      ],
      ['whose root is another account’s', /chown/, () => chown(storage.root, 1000, 1000)],
      ['whose root others can write', /go-w/, () => chmod(storage.root, 0o777)],
      [
        'whose root is a link',
        /links are not followed/,
        async () => {
          await rename(storage.root, `${storage.root}.real`);
          await symlink(`${storage.root}.real`, storage.root);
        },
      ],
      [
        'whose folder of volumes is a link',
        /links are not followed/,
        async () => {
          await rename(path.join(storage.root, 'volumes'), path.join(storage.root, 'real'));
          await symlink('real', path.join(storage.root, 'volumes'));
        },
      ],
      [
        'whose folder of volumes is on another file system',
        /another file system/,
        () => run('mount', ['-t', 'tmpfs', '-o', 'mode=755', 'none', path.join(storage.root, 'volumes')]),
      ],
    ])('does nothing: %s', async (_, why, spoil) => {
      await spoil();
      for (const args of [
        ['create', volume.id, '20971520'],
        ['retire', volume.id],
        ['purge', volume.id],
        ['usage', IDENTITY],
      ]) {
        const { code, stdout, stderr } = await call(...args);
        expect(code).toBe(1);
        expect(stdout).toBe('');
        expect(stderr).toMatch(why);
      }
      expect(await there('volumes').catch(() => [])).toEqual([]);
    });

    it('does nothing for another deployment, and never replaces a marker', async () => {
      for (const verb of ['check', 'usage', 'mount-all', 'mark'])
        expect(await call(verb, OTHER)).toMatchObject({ code: verb === 'mark' ? 3 : 1, stdout: '' });
      expect(await readFile(path.join(storage.root, '.shared-filesystem-backend'), 'utf8')).toBe(`${IDENTITY}\n`);
    });
  });

  it('gives the storage’s identity a say where its configuration has one', async () => {
    await driver.mark(IDENTITY, signal);
    const said = JSON.parse(await readFile(configuration(), 'utf8')) as object;
    await writeFile(configuration(), JSON.stringify({ ...said, identity: OTHER }));
    expect((await call('mount', aVolume().id)).stderr).toMatch(/another marker/);
  });

  it('takes a file in the place of a volume for none, and removes no file that is not its own', async () => {
    await driver.mark(IDENTITY, signal);
    const volume = aVolume();
    await driver.ensure(volume, true, signal);
    await storage.unmountVolume(volume.id);
    const point = storage.pathOf(volume.id);
    await chmod(point, 0o700);
    await writeFile(path.join(point, 'somebody-s'), '');
    await expect(driver.retire(volume, signal)).rejects.toThrow(TerminalError);
    expect(await readdir(point)).toEqual(['somebody-s']);
  });

  it('leaves a bare mount point into which nobody writes, and mounts it again before anybody is let in', async () => {
    await driver.mark(IDENTITY, signal);
    const volume = aVolume();
    await driver.ensure(volume, true, signal);
    await writeFile(path.join(storage.pathOf(volume.id), 'file'), '');
    await storage.unmountVolume(volume.id);
    const { mode, uid } = await lstat(storage.pathOf(volume.id));
    expect([mode & 0o7777, uid]).toEqual([0, 0]);
    // or its parent would be the one that refuses
    await chmod(storage.mounts, 0o755);
    const touch = await run('setpriv', [
      '--reuid=65534',
      '--regid=65534',
      '--clear-groups',
      'touch',
      path.join(storage.pathOf(volume.id), 'lost'),
    ]);
    expect(touch.stderr).toMatch(/Permission denied/);
    await driver.syncAccess(volume, { addresses: ['10.0.0.1'], revision: 1n }, true, signal);
    expect(await storage.accidents.files(volume.id)).toEqual(['file']);
  });

  it('mounts all, as after a start of the machine', async () => {
    await driver.mark(IDENTITY, signal);
    const volumes = [aVolume(), aVolume()];
    for (const each of volumes) await driver.ensure(each, true, signal);
    for (const { id } of volumes) await storage.unmountVolume(id);
    expect((await call('mount-all', IDENTITY)).code).toBe(0);
    for (const { id } of volumes) expect(await storage.isMounted(id)).toBe(true);
    const { mode } = await lstat(storage.pathOf(volumes[0]?.id ?? ''));
    expect(mode & 0o7777).toBe(0o1777);
  });

  it('has bare mount points on a file system that has nothing else, and that does not outlast the machine', async () => {
    await driver.mark(IDENTITY, signal);
    const { stdout } = await run('findmnt', ['-no', 'FSTYPE,OPTIONS', storage.mounts]);
    expect(stdout).toMatch(/^tmpfs .*nosuid,nodev,noexec/);
    expect(await readdir(storage.mounts)).toEqual([]);
    // as after a start of the machine
    await run('umount', [storage.mounts]);
    const volume = aVolume();
    expect((await call('create', volume.id, '20971520')).code).toBe(0);
    expect((await run('findmnt', ['-no', 'FSTYPE', storage.mounts])).stdout).toBe('tmpfs\n');
    await driver.retire(volume, signal);
    expect(await readdir(storage.mounts)).toEqual([]);
  });

  it('mounts all but the one that is spoilt, says so, and leaves it no mount point that a server could export', async () => {
    await driver.mark(IDENTITY, signal);
    const [good, bad, lost] = [aVolume(), aVolume(), aVolume()];
    for (const each of [good, bad, lost]) {
      await driver.ensure(each, true, signal);
      await storage.unmountVolume(each.id);
    }
    await writeFile(storage.dataOf(bad.id), 'spoilt');
    await unlink(storage.dataOf(lost.id));
    const { code, stderr } = await call('mount-all', IDENTITY);
    expect(code).toBe(0);
    expect(stderr).toMatch(new RegExp(`^${bad.id}: The image of this filesystem has no file system.*\n$`));
    expect(await readdir(storage.mounts)).toEqual([good.id]);
    expect((await call('mount', bad.id)).code).toBe(3);
    expect(await readdir(storage.mounts)).toEqual([good.id]);
    // it has a superblock, and nothing behind it
    await truncate(storage.dataOf(bad.id), 4 * 1024 ** 2);
    const superblock = Buffer.from([0x53, 0xef]);
    const image = await open(storage.dataOf(bad.id), 'r+');
    await image.write(superblock, 0, 2, 1024 + 56).finally(() => image.close());
    expect((await call('mount', bad.id)).code).toBe(1);
    expect(await readdir(storage.mounts)).toEqual([good.id]);
  });

  it('lets no server start over something that is no mount, where volumes are mounted', async () => {
    await driver.mark(IDENTITY, signal);
    const volume = aVolume();
    await driver.ensure(volume, true, signal);
    await mkdir(path.join(storage.mounts, 'other/files'), { recursive: true });
    const { code, stderr } = await call('mount-all', IDENTITY);
    expect([code, stderr]).toEqual([3, expect.stringContaining('other')]);
  });

  it('marks no storage on the system’s own disk, unless it is meant to be there', async () => {
    const said = JSON.parse(await readFile(configuration(), 'utf8')) as object;
    await writeFile(configuration(), JSON.stringify({ ...said, rootOn: undefined }));
    const refused = await call('mark', IDENTITY);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('own disk: mount it')]);
    await run('mount', ['-t', 'tmpfs', '-o', 'mode=755', 'none', storage.root]);
    expect((await call('mark', IDENTITY)).code).toBe(0);
  });

  it('tells a size that no file can have, once, and leaves nothing of it', async () => {
    await driver.mark(IDENTITY, signal);
    const volume = aVolume();
    for (const bytes of [1024n ** 6n, 1024n ** 5n]) {
      const { code, stderr } = await call('create', volume.id, String(bytes));
      expect([code, stderr]).toEqual([3, expect.stringContaining('ask for a smaller filesystem')]);
    }
    expect(await there('volumes')).toEqual([]);
    expect(await readdir(storage.mounts)).toEqual([]);
    await driver.ensure(volume, true, signal);
    expect((await call('resize', volume.id, String(1024n ** 6n))).code).toBe(3);
    expect(await storage.isMounted(volume.id)).toBe(true);
  });

  it('makes a volume again that nobody has used, when it is too large; and never one with something in it', async () => {
    await driver.mark(IDENTITY, signal);
    const volume = { ...aVolume(), size: parseSize('20Mb') };
    expect((await call('create', volume.id, String(40 * 1024 ** 2))).code).toBe(0);
    await driver.ensure(volume, true, signal);
    expect((await lstat(storage.dataOf(volume.id))).size).toBeLessThan(30 * 1024 ** 2);
    await writeFile(path.join(storage.pathOf(volume.id), 'file'), '');
    await expect(driver.ensure({ ...volume, size: parseSize('10Mb') }, true, signal)).rejects.toThrow(TerminalError);
    expect(await storage.accidents.files(volume.id)).toEqual(['file']);
  });

  it('tells of a file system that has stopped', async () => {
    await driver.mark(IDENTITY, signal);
    const volume = aVolume();
    await driver.ensure(volume, true, signal);
    expect(await call('usage', IDENTITY)).toMatchObject({ code: 0, stderr: '' });
    await run('mount', ['-o', 'remount,ro', storage.pathOf(volume.id)]);
    const { code, stderr } = await call('usage', IDENTITY);
    expect([code, stderr]).toEqual([0, expect.stringMatching(`^${volume.id}: .*has stopped`)]);
    expect(await call('mount', volume.id)).toMatchObject({ code: 1, stderr: expect.stringContaining('make room') });
    await storage.unmountVolume(volume.id);
    expect((await call('mount', volume.id)).code).toBe(0);
  });

  it('lets in nobody to a volume that was removed by hand', async () => {
    await driver.mark(IDENTITY, signal);
    const volume = aVolume();
    await driver.ensure(volume, true, signal);
    await storage.accidents.removeVolume(volume.id);
    const list = { addresses: ['10.0.0.1'], revision: 1n };
    await expect(driver.syncAccess(volume, list, true, signal)).rejects.toThrow(VolumeLost);
    await expect(driver.restore(volume, signal)).rejects.toThrow(VolumeLost);
  });
});

describe('the volume program by sudo, with the sudoers file of docs/samples', () => {
  const ACCOUNT = 'nova-shared-filesystem';
  const UID = 64_999;
  const PROGRAM = '/usr/local/bin/nova-shared-filesystem-volume';
  const samples = path.resolve(__dirname, '../../../docs/samples');
  let storage: Storage;
  /** Keeps a mount namespace, in which alone there are the account, the rule, the program, and its configuration. */
  let place: ChildProcess;
  /** The first process in it. */
  let first: string;
  beforeAll(async () => {
    storage = await Storage.make('ext4-images');
    const at = (name: string) => path.join(storage.folder, name);
    await copyFile(path.join(samples, 'nova-shared-filesystem.sudoers'), at('rule'));
    await chown(at('rule'), 0, 0);
    await chmod(at('rule'), 0o440);
    for (const [file, line] of Object.entries({
      passwd: `${ACCOUNT}:x:${UID}:${UID}::/nonexistent:/usr/sbin/nologin`,
      group: `${ACCOUNT}:x:${UID}:`,
      shadow: `${ACCOUNT}:*:19000:0:99999:7:::`,
    })) {
      await writeFile(at(file), `${await readFile(`/etc/${file}`, 'utf8')}${line}\n`);
      await chmod(at(file), file === 'shadow' ? 0o600 : 0o644);
    }
    const main = path.resolve(__dirname, '../../../dist/lib/volume-program/main.js');
    await writeFile(at('program'), `#!/bin/sh\nexec ${process.execPath} ${main} "$@"\n`);
    await chmod(at('program'), 0o755);
    await writeFile(
      at('prepare'),
      `set -e
mkdir -p ${at('etc')}/{changed/nova-shared-filesystem,work}
mount -t overlay -o lowerdir=/etc,upperdir=${at('etc')}/changed,workdir=${at('etc')}/work none /etc
for each in passwd group shadow; do cp -p ${at('$each')} /etc/$each; done
mkdir -p /etc/sudoers.d
mount -t tmpfs -o mode=755 none /etc/nova-shared-filesystem
cp ${configurationOf(storage)} /etc/nova-shared-filesystem/volumes.json
mount -t tmpfs -o mode=755 none /etc/sudoers.d
cp -p ${at('rule')} /etc/sudoers.d/nova-shared-filesystem
mount -t tmpfs -o mode=755 none /usr/local/bin
cp -p ${at('program')} ${PROGRAM}
mount -t tmpfs -o mode=755 none /var/lib/nfs
touch /var/lib/nfs/etab
mkdir -p /etc/exports.d
mount -t tmpfs -o mode=755,uid=${UID} none /etc/exports.d
: > /etc/exports
echo ready
exec sleep infinity
`,
    );
    // with a first process of its own, as a container has
    const apart = ['--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child', '--mount-proc'];
    place = spawn('unshare', [...apart, 'bash', at('prepare')]);
    const ended = once(place, 'exit').then(() => {
      throw new Error('the namespace could not be made');
    });
    if (place.stdout) await Promise.race([once(place.stdout, 'data'), ended]);
    ended.catch(() => undefined);
    first = (await readFile(`/proc/${place.pid}/task/${place.pid}/children`, 'utf8')).trim();
  });
  afterAll(async () => {
    if (place?.exitCode === null) {
      const ended = once(place, 'exit');
      place.kill('SIGKILL');
      await ended;
    }
    await storage?.remove();
  });

  const within = (command: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    run('nsenter', [`--target=${first}`, '--mount', '--pid', ...command], env);
  const asAccount = (command: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    within(['setpriv', `--reuid=${UID}`, `--regid=${UID}`, '--clear-groups', ...command], env);

  it('passes the check of visudo', async () => {
    expect(await run('visudo', ['-cf', path.join(samples, 'nova-shared-filesystem.sudoers')])).toMatchObject({
      code: 0,
    });
  });

  it('lets the account load what it exports, and run exportfs in no other form', async () => {
    const file = '/etc/exports.d/one.exports';
    const write = `echo '${storage.root} 192.0.2.9(ro,no_subtree_check,fsid=1)' > ${file}`;
    expect(await asAccount(['sh', '-c', write])).toMatchObject({ code: 0 });
    expect((await asAccount(['/usr/sbin/exportfs', '-ra'])).stderr).toMatch(/etab\.lock.*Permission denied/);
    expect((await within(['cat', '/var/lib/nfs/etab'])).stdout).toBe('');
    await asAccount(['/usr/bin/sudo', '-n', '/usr/sbin/exportfs', '-ra']);
    expect((await within(['cat', '/var/lib/nfs/etab'])).stdout).toContain('192.0.2.9(');
    for (const args of [['-au'], ['-ra', '-v'], ['*:/'], []])
      expect((await asAccount(['/usr/bin/sudo', '-n', '/usr/sbin/exportfs', ...args])).stderr).toMatch(/^sudo: /m);
  });

  it('does what the driver asks, and the records are its caller’s', async () => {
    const { id } = aVolume();
    for (const args of [
      ['mark', IDENTITY],
      ['check', IDENTITY],
      ['create', id, '20971520'],
      ['usage', IDENTITY],
      ['resize', id, '20971520'],
      ['mount', id],
      ['retire', id],
      ['restore', id],
      ['retire', id],
      ['purge', id],
      ['mount-all', IDENTITY],
    ])
      expect(await asAccount(['sudo', '-n', PROGRAM, ...args])).toMatchObject({ code: 0, stderr: '' });
    expect((await lstat(path.join(storage.root, 'records'))).uid).toBe(UID);
    for (const each of ['', 'volumes', 'retired']) expect((await lstat(path.join(storage.root, each))).uid).toBe(0);
  });

  it.each([
    ['another program', ['/bin/sh', '-c', 'id']],
    ['a shell', ['-s']],
    ['an editor', ['-e', '/etc/nova-shared-filesystem/volumes.json']],
    ['the program without arguments', [PROGRAM]],
    ['another verb', [PROGRAM, 'unmount', IDENTITY]],
    ['an option', [PROGRAM, '--help', IDENTITY]],
    ['no UUID', [PROGRAM, 'mount', '../../etc']],
    ['a UUID in capitals', [PROGRAM, 'mount', IDENTITY.toUpperCase()]],
    ['a UUID and more in one argument', [PROGRAM, 'mount', `${IDENTITY}/..`]],
    ['an argument too many', [PROGRAM, 'mount', IDENTITY, '1']],
    ['an argument more behind a number', [PROGRAM, 'resize', IDENTITY, '1', '2']],
    ['no number', [PROGRAM, 'resize', IDENTITY]],
    ['a number that is none', [PROGRAM, 'resize', IDENTITY, '-1']],
    ['a setting of its environment', ['NODE_OPTIONS=--require=/tmp/x', PROGRAM, 'usage', IDENTITY]],
    ['its own environment', ['-E', PROGRAM, 'usage', IDENTITY]],
    ['another account', ['-u', 'nobody', PROGRAM, 'usage', IDENTITY]],
  ])('is not allowed with %s', async (_, args) => {
    const { code, stdout, stderr } = await asAccount(['sudo', '-n', ...args]);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^sudo: /m);
  });

  it('sees nothing of its caller’s environment', async () => {
    const trace = path.join(storage.folder, 'trace');
    const hostile = path.join(storage.folder, 'hostile.js');
    await writeFile(hostile, `require('fs').writeFileSync(${JSON.stringify(trace)}, String(process.geteuid()))`);
    const env = { NODE_OPTIONS: `--require=${hostile}`, NODE_PATH: storage.folder, LD_PRELOAD: hostile };
    // it does something where nobody clears the environment
    expect((await run(process.execPath, ['-e', ''], { NODE_OPTIONS: env.NODE_OPTIONS })).code).toBe(0);
    await unlink(trace);
    expect(await asAccount(['sudo', '-n', PROGRAM, 'usage', IDENTITY], env)).toMatchObject({ code: 0 });
    await expect(lstat(trace)).rejects.toThrow('ENOENT');
  });

  it('does nothing where no server would see what it mounts', async () => {
    const { code, stderr } = await within(['unshare', '--mount', PROGRAM, 'check', IDENTITY]);
    expect([code, stderr]).toEqual([1, expect.stringContaining('mount namespace of its own')]);
  });

  it('does nothing without root', async () => {
    const { code, stderr } = await asAccount([PROGRAM, 'usage', IDENTITY]);
    expect([code, stderr]).toEqual([1, expect.stringContaining('root')]);
  });

  it('does not serve other accounts', async () => {
    const other = [
      'setpriv',
      '--reuid=65534',
      '--regid=65534',
      '--clear-groups',
      'sudo',
      '-n',
      PROGRAM,
      'usage',
      IDENTITY,
    ];
    expect((await within(other)).code).toBe(1);
  });
});

function configurationOf({ folder }: Storage): string {
  return path.join(folder, 'volumes.json');
}
