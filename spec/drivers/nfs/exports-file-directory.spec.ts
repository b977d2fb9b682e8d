import { randomBytes, randomUUID } from 'node:crypto';
import {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { createDriver } from '../../../lib/drivers';
import { TerminalError } from '../../../lib/ports/driver';
import { thisProcess } from '../../../lib/process-identity';
import { aProcess } from '../../support/stores';
import { aVolume, describeDriver } from '../contract';

const signal = new AbortController().signal;

function optionsIn(folder: string, exports: Record<string, unknown> = {}) {
  return {
    name: 'default',
    driver: 'nfs',
    server: 'exports-file',
    volumes: { kind: 'directory', root: path.join(folder, 'volumes') },
    exports: { directory: path.join(folder, 'exports'), exportAddress: '192.0.2.1', ...exports },
  };
}

const newFolder = () => mkdtemp(path.join(tmpdir(), 'nova-shared-filesystem-spec-'));
const exists = (file: string) =>
  lstat(file).then(
    () => true,
    () => false,
  );

describeDriver('nfs, exports files and directories', async () => {
  const folder = await newFolder();
  const volumes = path.join(folder, 'volumes');
  const make = () => createDriver(optionsIn(folder), { process: thisProcess() });
  return {
    driver: make(),
    another: make,
    unmount: async () => {
      await rename(volumes, `${volumes}.away`);
      await mkdir(volumes);
      return async () => {
        await rm(volumes, { recursive: true });
        await rename(`${volumes}.away`, volumes);
      };
    },
    removeVolume: (id) => rm(path.join(volumes, id), { recursive: true }),
    write: (id, bytes) => writeFile(path.join(volumes, id, randomUUID()), randomBytes(bytes)),
    files: (id) => readdir(path.join(volumes, id)).catch(() => null),
    hasData: async (id) => (await exists(path.join(volumes, id))) || (await exists(path.join(volumes, '.retired', id))),
    tearDown: () => rm(folder, { recursive: true, force: true }),
  };
});

describe('an exports file', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await newFolder();
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const driverWith = async (exports: Record<string, unknown> = {}, self = thisProcess()) => {
    const driver = createDriver(optionsIn(folder, exports), { process: self });
    await driver.mark(randomUUID(), signal);
    return driver;
  };
  const fileOf = (id: string) => path.join(folder, 'exports', `${id}.exports`);

  it('has one line with every client, its options in full, and whose it is as a comment', async () => {
    const driver = await driverWith();
    const volume = aVolume({ name: 'mydata' });
    await driver.ensure(volume, true, signal);
    await driver.syncAccess(volume, { addresses: ['10.0.0.1', 'fd00::1'], revision: 12n }, true, signal);
    const text = await readFile(fileOf(volume.id), 'utf8');
    const options = `(rw,sync,no_subtree_check,root_squash,secure,sec=sys,fsid=${volume.id})`;
    expect(text).toBe(
      `# filesystem mydata\n# id ${volume.id}\n# revision 12\n` +
        '# Written by nova-shared-filesystem: what is changed here is written over.\n' +
        `${folder}/volumes/${volume.id} \\\n  10.0.0.1${options} \\\n  fd00::1${options}\n`,
    );
  });

  it('is written over where its revision is none', async () => {
    const driver = await driverWith();
    const volume = aVolume();
    await driver.ensure(volume, true, signal);
    const list = { addresses: ['10.0.0.1'], revision: 12n };
    await driver.syncAccess(volume, list, true, signal);
    const text = await readFile(fileOf(volume.id), 'utf8');
    await writeFile(fileOf(volume.id), text.replace('# revision 12', '# revision 9999999999999999999'));
    await driver.syncAccess(volume, list, true, signal);
    expect(await readFile(fileOf(volume.id), 'utf8')).toBe(text);
  });

  it('of an empty list has no line at all, since a path without a client is everybody', async () => {
    const driver = await driverWith();
    const volume = aVolume();
    await driver.ensure(volume, true, signal);
    await driver.syncAccess(volume, { addresses: [], revision: 1n }, true, signal);
    const lines = (await readFile(fileOf(volume.id), 'utf8')).split('\n').filter((line) => !line.startsWith('#'));
    expect(lines).toEqual(['']);
  });

  it.each([
    ['options', (text: string) => text.replaceAll('root_squash', 'no_root_squash')],
    ['a path', (text: string) => text.replace(/^\/\S*/m, '/srv')],
    ['options for all', (text: string) => text.replace(' \\\n', ' -rw,insecure \\\n')],
    ['a line', (text: string) => `${text}/srv 10.0.0.1(rw,no_root_squash)\n`],
  ])('tells its name where somebody has written other %s, and is written over', async (_, edit) => {
    const driver = await driverWith();
    const volume = aVolume();
    await driver.ensure(volume, true, signal);
    const list = { addresses: ['10.0.0.1', 'fd00::1'], revision: 3n };
    await driver.syncAccess(volume, list, true, signal);
    const written = await readFile(fileOf(volume.id), 'utf8');
    expect(edit(written)).not.toBe(written);
    await writeFile(fileOf(volume.id), edit(written));
    expect(await driver.readAccess(volume, signal)).toContain(fileOf(volume.id));
    await driver.syncAccess(volume, list, true, signal);
    expect(await driver.readAccess(volume, signal)).toEqual(list.addresses);
    expect(await readFile(fileOf(volume.id), 'utf8')).toBe(written);
  });
  it('is written over when somebody has edited it, and tells until then whom it lets in', async () => {
    const driver = await driverWith();
    const volume = aVolume();
    await driver.ensure(volume, true, signal);
    const list = { addresses: ['10.0.0.1'], revision: 3n };
    await driver.syncAccess(volume, list, true, signal);
    await writeFile(fileOf(volume.id), `${folder}/volumes/${volume.id} *(rw) 10.0.0.9 (rw)\n`);
    expect(await driver.readAccess(volume, signal)).toEqual(['10.0.0.9', '*']);
    await driver.syncAccess(volume, list, true, signal);
    expect(await driver.readAccess(volume, signal)).toEqual(['10.0.0.1']);
  });

  it('escapes a path with blanks and what else has a meaning', async () => {
    folder = path.join(folder, 'with blank#and"ü');
    const driver = await driverWith();
    const volume = aVolume();
    await driver.ensure(volume, true, signal);
    await driver.syncAccess(volume, { addresses: ['10.0.0.1'], revision: 1n }, true, signal);
    expect(await readFile(fileOf(volume.id), 'utf8')).toContain('/with\\040blank\\043and\\042\\303\\274/volumes/');
    await driver.syncAccess(volume, { addresses: ['10.0.0.1'], revision: 2n }, false, signal);
    expect(await readFile(fileOf(volume.id), 'utf8')).toContain('/with\\040blank\\043and\\042\\303\\274/volumes/');
  });

  it('leaves foreign files in its directory alone', async () => {
    const driver = await driverWith();
    const foreign = path.join(folder, 'exports', 'mine.exports');
    await mkdir(path.dirname(foreign), { recursive: true });
    await writeFile(foreign, '/home 10.0.0.99(rw)\n');
    const volume = aVolume();
    await driver.ensure(volume, true, signal);
    await driver.syncAccess(volume, { addresses: ['10.0.0.1'], revision: 1n }, true, signal);
    await driver.retire(volume, signal);
    expect(await readdir(path.join(folder, 'exports'))).toEqual(expect.not.arrayContaining([`${volume.id}.exports`]));
    expect(await readFile(foreign, 'utf8')).toBe('/home 10.0.0.99(rw)\n');
  });

  it('leaves nothing beside it when all is done', async () => {
    const driver = await driverWith();
    const volume = aVolume();
    await driver.ensure(volume, true, signal);
    await driver.syncAccess(volume, { addresses: ['10.0.0.1'], revision: 1n }, true, signal);
    await expect(driver.syncAccess(volume, { addresses: [], revision: 0n }, true, signal)).rejects.toThrow();
    expect((await readdir(path.join(folder, 'exports'))).toSorted()).toEqual(['.reserve', `${volume.id}.exports`]);
  });

  it('leaves nothing for good of a process that was killed while it wrote', async () => {
    const driver = await driverWith();
    const volume = aVolume();
    await driver.ensure(volume, true, signal);
    await writeFile(path.join(folder, 'exports', `.${volume.id}.exports.new`), '/home *(rw)\n');
    await driver.syncAccess(volume, { addresses: ['10.0.0.1'], revision: 1n }, true, signal);
    expect((await readdir(path.join(folder, 'exports'))).toSorted()).toEqual(['.reserve', `${volume.id}.exports`]);
    expect(await driver.readAccess(volume, signal)).toEqual(['10.0.0.1']);
  });

  it('is free at once when the process that held its lock was killed', async () => {
    const driver = await driverWith(
      {},
      aProcess('heir', (holder) => holder === 'killed'),
    );
    const volume = aVolume();
    await driver.ensure(volume, true, signal);
    await mkdir(path.join(folder, 'exports'), { recursive: true });
    await symlink('nonce killed', path.join(folder, 'exports', `.${volume.id}.lock`));
    await driver.syncAccess(volume, { addresses: ['10.0.0.1'], revision: 1n }, true, signal);
    expect(await driver.readAccess(volume, signal)).toEqual(['10.0.0.1']);
  });

  it('waits for a process that lives, until it is told to stop', async () => {
    const driver = await driverWith();
    const volume = aVolume();
    await driver.ensure(volume, true, signal);
    const lock = path.join(folder, 'exports', `.${volume.id}.lock`);
    await mkdir(path.dirname(lock), { recursive: true });
    await symlink(`nonce ${thisProcess().text}`, lock);
    const stop = new AbortController();
    const waiting = driver.syncAccess(volume, { addresses: ['10.0.0.1'], revision: 1n }, true, stop.signal);
    stop.abort(new Error('stop'));
    await expect(waiting).rejects.toThrow();
    await unlink(lock);
    expect(await driver.readAccess(volume, signal)).toEqual([]);
  });
});

describe('a volume directory', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await newFolder();
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const marked = async (volumes: Record<string, unknown> = {}) => {
    const options = optionsIn(folder);
    const driver = createDriver(
      { ...options, volumes: { ...options.volumes, ...volumes } },
      { process: thisProcess() },
    );
    await driver.mark(randomUUID(), signal);
    return driver;
  };
  const inVolumes = (...names: string[]) => path.join(folder, 'volumes', ...names);
  const modeOf = async (file: string) => ((await stat(file)).mode & 0o7777).toString(8);

  it('is 1777 in a parent that nobody else may enter', async () => {
    const driver = await marked();
    const volume = aVolume();
    expect(await driver.ensure(volume, true, signal)).toBe(`192.0.2.1:${inVolumes(volume.id)}`);
    expect(await modeOf(inVolumes(volume.id))).toBe('1777');
    expect(await modeOf(inVolumes())).toBe('700');
  });

  it('has the mode that is configured', async () => {
    const driver = await marked({ mode: '0770' });
    const volume = aVolume();
    await driver.ensure(volume, true, signal);
    expect(await modeOf(inVolumes(volume.id))).toBe('770');
  });

  it('has a record beside it, from which it can be adopted', async () => {
    const driver = await marked();
    const volume = aVolume({ name: 'mydata', desiredRevision: 5n });
    await driver.ensure(volume, true, signal);
    const record = async () => JSON.parse(await readFile(inVolumes(`${volume.id}.json`), 'utf8'));
    const { id, number } = volume;
    const facts = { id, name: 'mydata', owner: 'demo', scope: 'project', project: 'demo', size: '1Gb', number };
    expect(await record()).toEqual({ ...facts, revision: '5' });
    const moved: typeof volume = { ...volume, project: 'other', desiredRevision: 6n };
    await driver.syncAccess(moved, { addresses: [], revision: 6n }, true, signal);
    expect(await record()).toEqual({ ...facts, project: 'other', revision: '6' });
  });

  it('is not a link, wherever that points', async () => {
    const driver = await marked();
    const volume = aVolume();
    await mkdir(path.join(folder, 'elsewhere'));
    await symlink(path.join(folder, 'elsewhere'), inVolumes(volume.id));
    await expect(driver.ensure(volume, true, signal)).rejects.toThrow(TerminalError);
    await expect(driver.syncAccess(volume, { addresses: ['10.0.0.1'], revision: 1n }, true, signal)).rejects.toThrow(
      TerminalError,
    );
  });

  it('is counted without following links, and a file with two names once', async () => {
    const driver = await marked();
    const volume = aVolume();
    await driver.ensure(volume, true, signal);
    await writeFile(path.join(folder, 'large'), randomBytes(5_000_000));
    await symlink(path.join(folder, 'large'), inVolumes(volume.id, 'link'));
    await symlink(folder, inVolumes(volume.id, 'outside'));
    await writeFile(inVolumes(volume.id, 'file'), randomBytes(1_000_000));
    const { link } = await import('node:fs/promises');
    await link(inVolumes(volume.id, 'file'), inVolumes(volume.id, 'again'));
    const used = (await driver.usage([volume], signal)).get(volume.id) ?? 0n;
    expect(used).toBeGreaterThanOrEqual(1_000_000n);
    expect(used).toBeLessThan(1_200_000n);
  });

  it('is purged with links in it, and not what they point at', async () => {
    const driver = await marked();
    const volume = aVolume();
    await driver.ensure(volume, true, signal);
    await mkdir(path.join(folder, 'elsewhere'));
    await writeFile(path.join(folder, 'elsewhere', 'kept'), '');
    await symlink(path.join(folder, 'elsewhere'), inVolumes(volume.id, 'link'));
    await mkdir(inVolumes(volume.id, 'closed'), { mode: 0 });
    await driver.retire(volume, signal);
    await driver.purge(volume, signal);
    expect(await readdir(path.join(folder, 'elsewhere'))).toEqual(['kept']);
    expect(await readdir(inVolumes('.retired'))).toEqual([]);
  });

  it('is purged in slices: an abort leaves the rest for the next call', async () => {
    const driver = await marked();
    const volume = aVolume();
    await driver.ensure(volume, true, signal);
    for (let number = 0; number < 20; number += 1) await writeFile(inVolumes(volume.id, `f${number}`), '');
    await driver.retire(volume, signal);
    await expect(driver.purge(volume, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
    expect(await exists(inVolumes('.retired', volume.id))).toBe(true);
    await driver.purge(volume, signal);
    expect(await exists(inVolumes('.retired', volume.id))).toBe(false);
  });
});

describe('settings of a backend', () => {
  const options = optionsIn('/srv');
  const { volumes, exports } = options;
  it.each([
    ['an unknown driver', { ...options, driver: 'smb' }, /"driver".*"nfs"/],
    ['an unknown server', { ...options, server: 'samba' }, /"server".*"exports-file"/],
    [
      'an unknown kind of volumes',
      { ...options, volumes: { ...volumes, kind: 'zfs' } },
      /volumes: setting "kind".*"directory"/,
    ],
    ['no root', { ...options, volumes: { kind: 'directory' } }, /volumes: setting "root"/],
    ['a mode that is none', { ...options, volumes: { ...volumes, mode: '0o7' } }, /"mode"/],
    ['an unknown setting', { ...options, exprots: {} }, /"exprots".*no such setting; known are/],
    ['an unknown setting within', { ...options, exports: { ...exports, reloads: true } }, /exports: setting "reloads"/],
    [
      'an export option that is not known',
      { ...options, exports: { ...exports, options: ['rw', 'nohide'] } },
      /"nohide"/,
    ],
    [
      'an export option that would end the list',
      { ...options, exports: { ...exports, options: ['rw) *(rw'] } },
      /known are/,
    ],
    ['an address with a blank', { ...options, exports: { ...exports, exportAddress: 'a b' } }, /"exportAddress"/],
    ['an export path with a blank', { ...options, exports: { ...exports, exportPath: '/a b' } }, /"exportPath"/],
  ])('refuse %s, and say what is expected', (_, wrong, message) => {
    expect(() => createDriver(wrong, { process: aProcess() })).toThrow(message);
  });

  it('give clients an IPv6 address in brackets, and never let the filer itself in', async () => {
    const folder = await newFolder();
    const driver = createDriver(optionsIn(folder, { exportAddress: 'fd00:0::5', exportPath: '/exports' }), {
      process: aProcess(),
    });
    await driver.mark(randomUUID(), signal);
    const volume = aVolume();
    expect(await driver.ensure(volume, true, signal)).toBe(`[fd00:0::5]:/exports/${volume.id}`);
    expect(driver.ownAddresses).toEqual(['fd00::5']);
    await rm(folder, { recursive: true });
  });

  it('are the same settings in another order, and others when one differs', () => {
    const settings = (each: typeof options) => createDriver(each, { process: aProcess() }).settings;
    const { name, ...rest } = options;
    expect(settings({ ...rest, name })).toBe(settings(options));
    expect(settings({ ...options, exports: { ...exports, exportAddress: '192.0.2.2' } })).not.toBe(settings(options));
  });
});
