import { createDriver } from '../../../lib/drivers';
import { thisProcess } from '../../../lib/process-identity';

const SETTINGS = { directory: '/etc/ganesha/exports', exportAddress: '10.20.0.5' };

function driverWith(ganesha: Record<string, unknown>, root = '/srv/volumes') {
  return createDriver(
    { name: 'filer1', driver: 'nfs', server: 'ganesha', volumes: { kind: 'directory', root }, ganesha },
    { process: thisProcess() },
  );
}

describe('the settings of server ganesha', () => {
  it('say what the driver can: each volume needs a number, and the list is in force when it is brought', () => {
    expect(driverWith(SETTINGS).capabilities).toMatchObject({
      enforces: 'server',
      largestNumber: 65_535,
      boundedLists: false,
      protocol: 'NFS',
    });
  });
  it('never let the filer itself in', () => {
    expect(driverWith(SETTINGS).ownAddresses).toEqual(['10.20.0.5']);
    expect(driverWith({ ...SETTINGS, exportAddress: 'filer1' }).ownAddresses).toEqual([]);
  });
  it('are others when one differs', () => {
    expect(driverWith(SETTINGS).settings).not.toBe(
      driverWith({ ...SETTINGS, options: ['Squash = all_squash'] }).settings,
    );
  });
  it.each([
    ['no directory', { directory: undefined }, 'setting "directory"'],
    ['a directory that ends its quotes', { directory: '/etc/"x' }, 'setting "directory"'],
    ['a directory that is relative', { directory: 'exports' }, 'setting "directory"'],
    ['a pseudo root with a slash at its end', { pseudoRoot: '/volumes/' }, 'setting "pseudoRoot"'],
    ['an address with a blank', { exportAddress: '10.20.0.5 *' }, 'setting "exportAddress"'],
    ['a bus of another kind', { bus: 'tcp:host=10.0.0.1,port=1' }, 'setting "bus"'],
    ['an option that is not known', { options: ['Access_Type = RW'] }, 'Unknown export option "Access_Type = RW"'],
    ['an unknown setting', { reload: true }, 'setting "reload"'],
  ])('refuse %s, and say what is expected', (_, said, message) => {
    expect(() => driverWith({ ...SETTINGS, ...said })).toThrow(message);
  });
  it('refuse a root of volumes that Ganesha’s configuration cannot hold', () => {
    expect(() => driverWith(SETTINGS, '/srv/all "volumes"')).toThrow('cannot be exported by ganesha');
  });
});
