import { parseAccount } from '../../lib/volume-program/image-account';
import { parseMounts } from '../../lib/volume-program/mounts';
import {
  parseProjectNumbers,
  parseProjects,
  parseQuotaGroups,
  parseSubvolumes,
} from '../../lib/volume-program/tool-output';

/** btrfs-progs 6.2, `btrfs qgroup show --raw -r`. */
const QGROUPS = `Qgroupid    Referenced    Exclusive  Max referenced   Path
--------    ----------    ---------  --------------   ----
0/5              16384        16384            none   <toplevel>
0/256        104873984    104873984        10485760   volumes/11111111-6d1e-4f0a-9b6c-3d2e1f0a9b8c
0/257            16384        16384            none   <stale>
1/7              16384        16384            none   <0 member qgroups>
`;

/** quota-tools 4.06, `repquota -P -n -O csv`. */
const PROJECTS = `Project,BlockStatus,FileStatus,BlockUsed,BlockSoftLimit,BlockHardLimit,BlockGrace,FileUsed,FileSoftLimit,FileHardLimit,FileGrace
#0,ok,ok,20,0,0,,2,0,0,
#1001,ok,ok,4,0,10240,,1,0,0,
#2147483647,hard,ok,10240,0,10240,,9,0,0,
`;

/** e2fsprogs 1.47, `lsattr -pd`. */
const NUMBERS = `    0 --------------e------- /srv/storage/volumes/a
 1001 --------------e----P-- /srv/storage/volumes/b c
2147483647 -------------------P-- /srv/storage/volumes/d
`;

const MOUNTS = `27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,resuid=65534
165 27 7:0 / /srv/my\\040volumes/a rw,nosuid,nodev,noexec,relatime - xfs /dev/loop0 rw,discard,noquota
166 27 0:45 /v /srv/b rw,nodev shared:7 - btrfs /dev/loop1 rw,subvolid=256
`;

describe('parseQuotaGroups', () => {
  it('reads use and limit of subvolumes', () => {
    const groups = parseQuotaGroups(QGROUPS);
    expect([...groups.keys()]).toEqual(['5', '256', '257']);
    expect(groups.get('256')).toEqual({ usedBytes: 104873984n, limitBytes: 10485760n });
    expect(groups.get('5')?.limitBytes).toBeNull();
  });
  it.each([
    ['nothing', ''],
    ['a complaint', "ERROR: can't list qgroups: quotas not enabled\n"],
    ['sizes with units', QGROUPS.replace('16384 ', '16.00KiB')],
    ['a line more', `${QGROUPS}WARNING: qgroup data inconsistent, rescan recommended\n`],
  ])('refuses %s', (_, text) => {
    expect(() => parseQuotaGroups(text)).toThrow(Error);
  });
});

describe('parseSubvolumes', () => {
  const [one, other] = ['11111111-6d1e-4f0a-9b6c-3d2e1f0a9b8c', '22222222-6d1e-4f0a-9b6c-3d2e1f0a9b8c'];
  it('reads which subvolume a volume in service is', () => {
    const text = `ID 256 gen 9 top level 5 path volumes/${one}
ID 257 gen 9 top level 5 path retired/${other}
ID 258 gen 10 top level 5 path volumes/.${other}.new
ID 259 gen 10 top level 300 path @storage/volumes/${other}
ID 260 gen 10 top level 256 path volumes/${one}/made by a user
`;
    expect([...parseSubvolumes(text, 'volumes')]).toEqual([[one, '256']]);
    expect([...parseSubvolumes(text, '@storage/volumes')]).toEqual([[other, '259']]);
    expect(parseSubvolumes('', 'volumes').size).toBe(0);
  });
  it('refuses a complaint', () => {
    expect(() => parseSubvolumes("ERROR: can't perform the search\n", 'volumes')).toThrow(Error);
  });
});

describe('parseProjects', () => {
  it('reads use and limit, and leaves out project 0', () => {
    expect([...parseProjects(PROJECTS)]).toEqual([
      [1001, { usedBytes: 4096n, limitBytes: 10485760n }],
      [2147483647, { usedBytes: 10485760n, limitBytes: 10485760n }],
    ]);
  });
  it.each([
    ['nothing', ''],
    ['a complaint', 'repquota: Mountpoint (or device) /srv not found or has no quota enabled.\n'],
    ['names in the place of numbers', PROJECTS.replace('#1001', 'mydata')],
    ['a negative use', PROJECTS.replace(',4,', ',-4,')],
  ])('refuses %s', (_, text) => {
    expect(() => parseProjects(text)).toThrow(Error);
  });
});

describe('parseProjectNumbers', () => {
  it('reads the number by path', () => {
    expect([...parseProjectNumbers(NUMBERS)]).toEqual([
      ['/srv/storage/volumes/a', 0],
      ['/srv/storage/volumes/b c', 1001],
      ['/srv/storage/volumes/d', 2147483647],
    ]);
  });
  it('refuses a complaint', () => {
    expect(() => parseProjectNumbers('lsattr: Operation not supported While reading project on /srv\n')).toThrow(Error);
  });
});

describe('parseMounts', () => {
  it('reads where what is mounted, and how', () => {
    const [, volume, other] = parseMounts(MOUNTS);
    expect(volume).toMatchObject({ target: '/srv/my volumes/a', type: 'xfs', source: '/dev/loop0' });
    expect([...(volume?.options ?? [])]).toEqual(expect.arrayContaining(['nosuid', 'noexec', 'nodev', 'discard']));
    expect(other).toMatchObject({ target: '/srv/b', type: 'btrfs', source: '/dev/loop1' });
  });
});

describe('parseAccount', () => {
  it('reads what is written, and nothing else', () => {
    const text = '{"bytes":"1","emptyFreeBytes":"2","totalBytes":"3"}\n';
    expect(parseAccount(text)).toEqual({ bytes: 1n, emptyFreeBytes: 2n, totalBytes: 3n });
    for (const wrong of [null, '', '{}', text.trim(), text.replace('3', '0'), text.replace('"1"', '1')])
      expect(parseAccount(wrong)).toBeNull();
  });
});
