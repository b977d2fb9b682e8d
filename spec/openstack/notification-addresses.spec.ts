import { readNotification } from '../../lib/openstack/notifications';
import { aLegacy, aVersioned } from '../support/nova-notifications';

const ARRIVAL = new Date('2026-11-23T14:30:00Z');
const PORT = 'ce531f90-199f-48c0-816c-13e38010b442';
const MAC = 'fa:16:3e:00:00:16';

const ip = (address: unknown, port: unknown = PORT) => ({
  'nova_object.data': { address, port_uuid: port, mac: MAC.toUpperCase(), label: 'n' },
});
const known = (address: string) => ({ address, kind: 'fixed', network: null, port: PORT, mac: MAC });
const read = (message: unknown) => readNotification(message, ARRIVAL, 'events');

describe('the addresses that a notification tells', () => {
  it.each([
    ['one', [ip('10.20.0.19')], [known('10.20.0.19')]],
    ['one in another spelling', [ip('FD00:20:0::0013')], [known('fd00:20::13')]],
    ['none', [], undefined],
    ['no list', undefined, undefined],
    ['null', null, undefined],
    ['text', '10.20.0.19', undefined],
    ['one that is no address', [ip('10.20.0.19'), ip('web-0')], undefined],
    ['a range', [ip('10.20.0.0/16')], undefined],
    ['a number', [ip(169)], undefined],
    ['an entry of another shape', [ip('10.20.0.19'), { address: '10.20.0.20' }], undefined],
    ['an entry that is null', [null], undefined],
  ])('are, of a list with %s, %j → %j', (_what, ip_addresses, addresses) => {
    expect(read(aVersioned('update', { ip_addresses }))?.addresses).toEqual(addresses);
  });

  it('are none after the last interface is detached', () => {
    expect(read(aVersioned('interface_detach.end', { ip_addresses: [] }))?.addresses).toEqual([]);
    expect(read(aVersioned('interface_detach.start', { ip_addresses: [] }))?.addresses).toBeUndefined();
  });

  it('have no port where it is none that can be stored', () => {
    const [address] = read(aVersioned('update', { ip_addresses: [ip('10.20.0.19', 'x'.repeat(65))] }))?.addresses ?? [];
    expect(address).toEqual({ ...known('10.20.0.19'), port: null });
  });

  const fixed = { address: '10.20.0.17', type: 'fixed' };
  it.each([
    ['a floating one', [{ ...fixed, floating_ips: [{ address: '203.0.113.40' }] }], ['fixed', 'floating']],
    ['no list of floating ones', [fixed], ['fixed']],
    ['a floating one that is no address', [{ ...fixed, floating_ips: [{ address: '?' }] }], undefined],
    ['floating ones that are no list', [{ ...fixed, floating_ips: {} }], undefined],
    ['one of another type', [{ ...fixed, type: 'gateway' }], undefined],
  ])('are, of a legacy list with %s, of the kinds %j → %j', (_what, fixed_ips, kinds) => {
    expect(read(aLegacy('create.end', { fixed_ips }))?.addresses?.map(({ kind }) => kind)).toEqual(kinds);
  });

  it('never have a network: Nova tells its label alone, which tenants choose', () => {
    const list = [{ ...fixed, label: '9a3bae03-c819-4f7c-a1c6-17ba24c6ac96' }];
    expect(read(aLegacy('create.end', { fixed_ips: list }))?.addresses).toMatchObject([{ network: null }]);
  });
});
