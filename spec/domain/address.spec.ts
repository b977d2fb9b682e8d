import { canCount, compareAddresses, parseAddress, sortAddresses } from '../../lib/domain/address';

describe('parseAddress', () => {
  it.each([
    ['10.20.0.19', '10.20.0.19'],
    ['FD00:0020:0:0:0:0:0:0013', 'fd00:20::13'],
    ['fd00:0:0:1:0:0:0:1', 'fd00:0:0:1::1'],
    ['2001:db8::192.0.2.1', '2001:db8::c000:201'],
    ['::', '::'],
  ])('reads %s as %s', (input, address) => {
    expect(parseAddress(input)).toBe(address);
  });

  it.each([
    ['10.20.0.0/16'],
    ['10.20.0.1-10.20.0.9'],
    ['web-0.example.org'],
    ['*'],
    ['10.20.0'],
    ['10.20.0.019'],
    ['0x0a140013'],
    ['169082899'],
    [' 10.20.0.19'],
    ['10.20.0.19\n'],
    ['10.20.0.19(rw) *'],
    ['[fd00:20::13]'],
    ['fe80::1%eth0'],
    ['fd00:20::13::1'],
    [''],
    [169_082_899],
    [null],
    [undefined],
    [['10.20.0.19']],
  ])('finds no single address in %j', (input) => {
    expect(parseAddress(input)).toBeNull();
  });
});

describe('canCount', () => {
  it.each([
    ['10.20.0.19'],
    ['192.168.1.3'],
    ['100.64.0.1'],
    ['203.0.113.40'],
    ['1.0.0.0'],
    ['126.255.255.255'],
    ['128.0.0.0'],
    ['169.253.255.255'],
    ['169.255.0.0'],
    ['223.255.255.255'],
    ['fd00:20::13'],
    ['2001:db8::1'],
    ['2001:ffff::1'],
    ['2003::1'],
    ['64:ff9b:2::1'],
    ['fe7f:ffff::1'],
  ])('is so of %s', (address) => {
    expect(canCount(address)).toBe(true);
  });

  it.each([
    ['0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'of this network'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['169.254.169.254', 'link-local'],
    ['224.0.0.1', 'multicast'],
    ['239.255.255.255', 'multicast'],
    ['240.0.0.1', 'reserved'],
    ['255.255.255.255', 'broadcast'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['::10.20.0.19', 'IPv4-compatible'],
    ['::ffff:10.20.0.19', 'IPv4-mapped'],
    ['::ffff:0:10.20.0.19', 'IPv4-translated'],
    ['2002:a14:13::1', '6to4'],
    ['64:ff9b::10.20.0.19', 'NAT64'],
    ['64:ff9b:1::10.20.0.19', 'NAT64, local use'],
    ['fe80::1', 'link-local'],
    ['febf::1', 'link-local'],
    ['fec0::1', 'site-local'],
    ['ff02::1', 'multicast'],
  ])('is not so of %s: %s', (input, _kind) => {
    expect(canCount(parseAddress(input) ?? 'none')).toBe(false);
  });
});

describe('compareAddresses', () => {
  it('orders them as numbers, IPv4 first', () => {
    const sorted = ['9.0.0.1', '10.0.0.2', '10.0.0.10', '203.0.113.40', '::1', 'fd00::2', 'fd00::10', 'fd00:0:0:1::'];
    expect(sorted.toReversed().toSorted(compareAddresses)).toEqual(sorted);
    expect(compareAddresses('10.0.0.2', '10.0.0.2')).toBe(0);
    expect(sortAddresses(sorted.toReversed())).toEqual(sorted);
  });
});
