import { parseConfiguration } from '../../lib/volume-program/configuration';

const GOOD = { kind: 'image', root: '/srv/storage', mounts: '/srv/volumes' };
const parse = (said: unknown) => parseConfiguration(JSON.stringify(said));

describe('parseConfiguration', () => {
  it('has defaults for all but the kind and the places', () => {
    expect(parse(GOOD)).toEqual({
      ...GOOD,
      rootOn: 'own-disk',
      fileSystem: 'xfs',
      mode: 0o1777,
      identity: null,
    });
    expect(parse({ kind: 'project-quota', root: '/srv/storage' })).toMatchObject({ mounts: null });
    // in memory: no mount point outlasts the machine
    expect(parse({ kind: 'btrfs', root: '/srv/storage' }).mounts).toMatch(/^\/run\//);
  });

  it.each([
    ['no object', []],
    ['null', null],
    ['an unknown kind', { ...GOOD, kind: 'zfs' }],
    ['a kind of the prototype', { ...GOOD, kind: 'constructor' }],
    ['an unknown setting', { ...GOOD, command: '/bin/sh' }],
    ['no root', { kind: 'image', mounts: '/srv/volumes' }],
    ['a root on whatever disk', { ...GOOD, rootOn: true }],
    ['the root of the machine', { ...GOOD, root: '/' }],
    ['a relative path', { ...GOOD, root: 'srv' }],
    ['a path upwards', { ...GOOD, root: '/srv/../etc' }],
    ['a path with a dot', { ...GOOD, root: '/srv/./storage' }],
    ['two slashes', { ...GOOD, root: '/srv//storage' }],
    ['a slash at the end', { ...GOOD, root: '/srv/storage/' }],
    ['a blank', { ...GOOD, root: '/srv/my storage' }],
    ['a line break', { ...GOOD, root: '/srv/storage\n' }],
    ['a comma, which mount would split at', { ...GOOD, root: '/srv/a,suid' }],
    ['the same place twice', { ...GOOD, mounts: GOOD.root }],
    ['mounts within the storage', { ...GOOD, mounts: '/srv/storage/mounts' }],
    ['storage within the mounts', { ...GOOD, mounts: '/srv' }],
    ['a setuid mode', { ...GOOD, mode: '4777' }],
    ['a setgid mode', { ...GOOD, mode: '2770' }],
    ['a mode that is a number', { ...GOOD, mode: 777 }],
    ['another file system', { ...GOOD, fileSystem: 'vfat' }],
    ['an identity that is none', { ...GOOD, identity: '*' }],
  ])('refuses %s', (_, said) => {
    expect(() => parse(said)).toThrow(Error);
  });

  it('refuses what is no JSON', () => {
    expect(() => parseConfiguration('kind: image')).toThrow(SyntaxError);
  });
});
