import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { readConfiguration } from '../../lib/volume-program/configuration';
import { requireRootsFolder, wrongOwnership } from '../../lib/volume-program/ownership';

describe('wrongOwnership', () => {
  it.each([
    ['another owner', 1000, 0o644],
    ['writable by the group', 0, 0o664],
    ['writable by everybody', 0, 0o646],
    ['writable by everybody, and sticky', 0, 0o1777],
  ])('refuses %s', (_, uid, mode) => {
    expect(wrongOwnership({ uid, mode })).not.toBeNull();
  });
  it('takes what root alone can write', () => {
    expect(wrongOwnership({ uid: 0, mode: 0o100644 })).toBeNull();
  });
  it('pardons the sticky bit where it is asked to: nobody else can rename there', () => {
    expect(wrongOwnership({ uid: 0, mode: 0o41777 }, 0o1000)).toBeNull();
    expect(wrongOwnership({ uid: 1000, mode: 0o41777 }, 0o1000)).not.toBeNull();
  });
});

describe('requireRootsFolder', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'nova-shared-filesystem-spec-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('takes the root of the machine', async () => {
    await expect(requireRootsFolder('/')).resolves.toBeUndefined();
  });
  it.each([
    ['a link', 'link', /links are not followed/],
    ['a folder below a link', 'link/inner', /links are not followed/],
    ['a file', 'file', /no directory/],
    ['what is not there', 'absent', /not there/],
    ['a folder that others write', 'open', /go-w|chown/],
    ['a folder below one that others write', 'open/inner', /go-w|chown/],
  ])('refuses %s', async (_, name, why) => {
    await mkdir(path.join(folder, 'open'));
    await chmod(path.join(folder, 'open'), 0o777);
    await mkdir(path.join(folder, 'open', 'inner'));
    await mkdir(path.join(folder, 'real'));
    await symlink('real', path.join(folder, 'link'));
    await mkdir(path.join(folder, 'real', 'inner'));
    await writeFile(path.join(folder, 'file'), '');
    const isRoot = process.getuid?.() === 0;
    // without root the first folder of ours on the way is refused already
    await expect(requireRootsFolder(path.join(folder, name))).rejects.toThrow(isRoot ? why : /chown/);
  });

  it('is asked of the configuration too, which is no link and no device', async () => {
    await symlink('/etc/hostname', path.join(folder, 'volumes.json'));
    for (const file of [path.join(folder, 'volumes.json'), '/dev/zero', '/etc', path.join(folder, 'absent')])
      await expect(readConfiguration(file)).rejects.toThrow(Error);
  });
});
