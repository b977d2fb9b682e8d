// Runs in the virtual machine alone (run.sh), as its root, over the built project. Prints TAP; ends with 1 where a proof fails.
/* oxlint-disable typescript/no-floating-promises -- node:test waits for its tests by itself */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';

const require = createRequire(import.meta.url);
const dist = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../../dist/lib');
const { createDriver } = require(path.join(dist, 'drivers'));
const { TerminalError } = require(path.join(dist, 'ports/driver'));
const { parseSize } = require(path.join(dist, 'domain/size'));
const { thisProcess } = require(path.join(dist, 'process-identity'));

const { signal } = new AbortController();
const IDENTITY = '0f8a1c52-6d1e-4f0a-9b6c-3d2e1f0a9b8c';
const MIB = 1024 * 1024;
const FILER = '10.99.0.1';

/** @returns what it wrote; throws with its complaint */
const sh = (program, ...args) => execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const asUser = (...command) => sh('setpriv', '--reuid=1000', '--regid=1000', '--clear-groups', ...command);
const fill = (file, mebibytes) =>
  asUser('dd', 'if=/dev/zero', `of=${file}`, 'bs=1M', `count=${mebibytes}`, 'conv=fsync');

const aVolume = (said = {}) => ({
  id: randomUUID(),
  name: 'mydata',
  size: parseSize('10Mb'),
  owner: 'demo',
  scope: 'project',
  project: 'demo',
  desiredRevision: 1n,
  number: 1001,
  ...said,
});

/** The driver over storage in /srv/<name>, by the real volume program and its configuration. */
function driverOf(name, configuration) {
  mkdirSync('/etc/nova-shared-filesystem', { recursive: true });
  writeFileSync('/etc/nova-shared-filesystem/volumes.json', JSON.stringify(configuration));
  const { fileSystem: _, ...volumes } = configuration;
  return createDriver(
    {
      name,
      driver: 'nfs',
      server: 'exports-file',
      volumes: { ...volumes, program: [process.execPath, path.join(dist, 'volume-program/main.js')] },
      exports: { directory: '/etc/exports.d', exportAddress: FILER, reload: true },
    },
    { process: thisProcess() },
  );
}

/** A file system on a loop device, mounted at /srv/<name>. */
function mountStorage(name, mkfs, options) {
  const [image, root] = [`/var/tmp/${name}.img`, `/srv/${name}`];
  writeFileSync(image, '');
  truncateSync(image, 600 * MIB);
  sh(...mkfs, image);
  mkdirSync(root);
  sh('mount', '-o', `loop,nodev,nosuid,noexec${options}`, image, root);
  return root;
}

const PROJECTS = {
  ext4: ['mkfs.ext4', '-q', '-O', 'quota,project', '-E', 'quotatype=prjquota'],
  xfs: ['mkfs.xfs', '-q'],
};

for (const [type, mkfs] of Object.entries(PROJECTS))
  describe(`project-quota on ${type}`, () => {
    let driver;
    const volume = aVolume();
    const inside = (...names) => path.join(`/srv/${type}/volumes`, volume.id, ...names);
    before(async () => {
      const root = mountStorage(type, mkfs, ',prjquota');
      driver = driverOf(type, { kind: 'project-quota', root });
      await driver.mark(IDENTITY, signal);
      // for the user of these proofs alone
      chmodSync(`${root}/volumes`, 0o751);
      assert.equal(await driver.check(signal), IDENTITY);
    });

    it('makes an empty volume with a project of its own', async () => {
      await driver.ensure(volume, true, signal);
      assert.deepEqual(readdirSync(inside()), []);
      assert.match(sh('lsattr', '-pd', inside()), /^ *1001 [^ ]*P/);
      assert.ok((await driver.numbers(signal)).has(1001));
    });
    it('stops a user at its size', () => {
      asUser('mkdir', '-p', inside('a/b/c'));
      assert.throws(() => fill(inside('a/b/c/big'), 30), /Disk quota exceeded|No space left/);
      const { size } = statSync(inside('a/b/c/big'));
      assert.ok(size > 9 * MIB && size <= 10 * MIB, `${size}`);
    });
    it('tells what is used, of all by one call', async () => {
      const used = (await driver.usage([volume, { id: randomUUID() }], signal)).get(volume.id);
      assert.ok(used > BigInt(9 * MIB) && used <= BigInt(10 * MIB), `${used}`);
    });
    it('refuses a size below what is in it', async () => {
      await assert.rejects(driver.ensure({ ...volume, size: parseSize('5Mb') }, false, signal), TerminalError);
    });
    it('grows and shrinks live', async () => {
      await driver.ensure({ ...volume, size: parseSize('20Mb') }, false, signal);
      fill(inside('more'), 8);
      asUser('rm', inside('more'));
      await driver.ensure({ ...volume, size: parseSize('12Mb') }, false, signal);
      assert.throws(() => fill(inside('more'), 8), /Disk quota exceeded|No space left/);
    });
    it('gives no number out twice', async () => {
      await assert.rejects(driver.ensure(aVolume(), true, signal), /another's/);
    });
    it('sets it aside, puts it back, destroys it, and its number is free', async () => {
      await driver.retire(volume, signal);
      assert.ok(!existsSync(inside()));
      await driver.restore(volume, signal);
      assert.ok(existsSync(inside('a/b/c/big')));
      await driver.retire(volume, signal);
      await driver.purge(volume, signal);
      assert.deepEqual(await driver.volumes(signal), []);
      assert.ok(!(await driver.numbers(signal)).has(1001));
    });
  });

describe('image with ext4', () => {
  it('grows live where there is CAP_SYS_RESOURCE, and keeps what is in it', async () => {
    mkdirSync('/srv/images');
    const driver = driverOf('images', {
      kind: 'image',
      root: '/srv/images',
      mounts: '/srv/mounts',
      fileSystem: 'ext4',
    });
    // the root on ext4 is small: the images are elsewhere
    sh('mount', '-t', 'tmpfs', '-o', 'size=500m,mode=755', 'tmpfs', '/srv/images');
    await driver.mark(IDENTITY, signal);
    chmodSync('/srv/mounts', 0o751);
    const volume = aVolume({ size: parseSize('20Mb') });
    await driver.ensure(volume, true, signal);
    const file = `/srv/mounts/${volume.id}/file`;
    assert.throws(() => fill(file, 40), /No space left/);
    const written = statSync(file).size;
    assert.ok(written > 19 * MIB, `${written}`);
    await driver.ensure({ ...volume, size: parseSize('60Mb') }, false, signal);
    fill(`${file}2`, 38);
    assert.equal(statSync(file).size, written);
    await assert.rejects(driver.ensure({ ...volume, size: parseSize('20Mb') }, false, signal), TerminalError);
    await driver.retire(volume, signal);
    await driver.purge(volume, signal);
    assert.deepEqual(readdirSync('/srv/mounts'), []);
  });
});

describe("the kernel's NFS server and client", () => {
  const volume = aVolume({ number: 7, size: parseSize('10Mb') });
  let driver;
  let location;
  const allow = (addresses, revision) => driver.syncAccess(volume, { addresses, revision }, true, signal);
  const mountIn = (place, target) => {
    mkdirSync(target, { recursive: true });
    sh(
      'nsenter',
      `--net=/run/netns/${place}`,
      'mount',
      '-t',
      'nfs4',
      '-o',
      'vers=4.2,soft,retry=0,timeo=100',
      location,
      target,
    );
  };
  const write = (file, text) => {
    writeSync(file, text, 0);
    fsyncSync(file);
  };

  before(async () => {
    sh('ip', 'link', 'add', 'storage', 'type', 'bridge');
    sh('ip', 'addr', 'add', `${FILER}/24`, 'dev', 'storage');
    sh('ip', 'link', 'set', 'storage', 'up');
    for (const [index, place] of ['one', 'other'].entries()) {
      sh('ip', 'netns', 'add', place);
      sh('ip', 'link', 'add', `port${index}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', place);
      sh('ip', 'link', 'set', `port${index}`, 'master', 'storage', 'up');
      sh('ip', '-n', place, 'addr', 'add', `10.99.0.${11 + index}/24`, 'dev', 'eth0');
      sh('ip', '-n', place, 'link', 'set', 'lo', 'up');
      sh('ip', '-n', place, 'link', 'set', 'eth0', 'up');
    }
    for (const each of ['v4recovery', 'rpc_pipefs', 'sm', 'sm.bak', 'nfsdcld'])
      mkdirSync(`/var/lib/nfs/${each}`, { recursive: true });
    for (const each of ['etab', 'rmtab']) writeFileSync(`/var/lib/nfs/${each}`, '');
    mkdirSync('/etc/exports.d', { recursive: true });
    writeFileSync('/etc/exports', '');
    sh('mount', '-t', 'nfsd', 'nfsd', '/proc/fs/nfsd');
    driver = driverOf('ext4', { kind: 'project-quota', root: '/srv/ext4' });
    location = await driver.ensure(volume, true, signal);
    chmodSync('/srv/ext4/volumes', 0o750);
    await allow(['10.99.0.11'], 1n);
    sh('rpc.nfsd', '-N', '3', '-H', FILER, '-U', '2');
    sh('rpc.mountd', '-N', '3');
    writeFileSync('/proc/fs/nfsd/v4_end_grace', 'Y');
  });
  after(() => {
    for (const each of ['/mnt/one', '/mnt/other'])
      try {
        sh('umount', '-f', each);
      } catch {}
  });

  it('lets in an entitled instance alone', () => {
    mountIn('one', '/mnt/one');
    fill('/mnt/one/file', 1);
    assert.ok(existsSync(`/srv/ext4/volumes/${volume.id}/file`));
    assert.throws(() => mountIn('other', '/mnt/other'));
  });
  it('refuses to write beyond the size, and goes on after a resize', async () => {
    assert.throws(() => fill('/mnt/one/big', 30), /Disk quota exceeded/);
    await driver.ensure({ ...volume, size: parseSize('40Mb') }, false, signal);
    fill('/mnt/one/big', 30);
  });
  it('cuts off an open file when its instance leaves the list, and gives it back', async () => {
    const file = openSync('/mnt/one/held', 'w', 0o666);
    write(file, 'before');
    await allow([], 2n);
    assert.throws(() => write(file, 'cut off'), /ESTALE|EACCES|EIO/);
    await allow(['10.99.0.11'], 3n);
    const again = openSync('/mnt/one/again', 'w', 0o666);
    write(again, 'after');
    for (const each of [file, again])
      try {
        closeSync(each);
      } catch {}
  });

  it('serves directories whose root nobody else may enter', async () => {
    const directories = createDriver(
      {
        name: 'directories',
        driver: 'nfs',
        server: 'exports-file',
        volumes: { kind: 'directory', root: '/srv/ext4-directories' },
        exports: { directory: '/etc/exports.d', exportAddress: FILER, reload: true },
      },
      { process: thisProcess() },
    );
    await directories.mark(IDENTITY, signal);
    const one = aVolume();
    location = await directories.ensure(one, true, signal);
    await directories.syncAccess(one, { addresses: ['10.99.0.11'], revision: 1n }, true, signal);
    mountIn('one', '/mnt/directory');
    fill('/mnt/directory/file', 1);
    sh('umount', '/mnt/directory');
  });
});
