import {
  type CountingRule,
  contains,
  counts,
  type InstanceAddress,
  parseCountingNetwork,
} from '../../lib/domain/address';
import { InvalidInput } from '../../lib/domain/errors';
import { anAddress } from '../support/an-address';

const NETWORK = '7d0a3f2e-8a0b-4a4e-9d3c-1c5f8f7e2b10';
const rule = (networks: readonly string[] | null, rest: Partial<CountingRule> = {}): CountingRule => ({
  networks: networks === null ? null : networks.map(parseCountingNetwork),
  kinds: ['fixed'],
  ...rest,
});

describe('counts', () => {
  it.each<[what: string, rule: CountingRule, address: InstanceAddress, expected: boolean]>([
    ['of a network that counts', rule(['10.20.0.0/16']), anAddress('10.20.255.255'), true],
    ['of the second', rule(['10.20.0.0/16', 'fd00:20::/64']), anAddress('fd00:20::13'), true],
    ['beside it', rule(['10.20.0.0/16']), anAddress('10.21.0.0'), false],
    ['of the other family', rule(['0.0.0.0/0']), anAddress('fd00:20::13'), false],
    ['where none counts', rule([]), anAddress('10.20.0.19'), false],
    ['where all count', rule(null), anAddress('10.20.0.19'), true],
    ['that never can, where all count', rule(null), anAddress('127.0.0.1'), false],
    ['that never can, of the largest network', rule(['0.0.0.0/0']), anAddress('169.254.169.254'), false],
    ['of the filer', rule(null, { excluded: ['10.20.0.5'] }), anAddress('10.20.0.5'), false],
    ['beside the filer', rule(null, { excluded: ['10.20.0.5'] }), anAddress('10.20.0.6'), true],
    ['that is floating', rule(null), anAddress('10.20.0.19', { kind: 'floating' }), false],
    [
      'floating, where these count',
      rule(null, { kinds: ['floating'] }),
      anAddress('10.20.0.19', { kind: 'floating' }),
      true,
    ],
    ['of the network', rule([`10.20.0.0/16@${NETWORK}`]), anAddress('10.20.0.19', { network: NETWORK }), true],
    ['of another network', rule([`10.20.0.0/16@${NETWORK}`]), anAddress('10.20.0.19', { network: 'n2' }), false],
    ['of a network not known', rule([`10.20.0.0/16@${NETWORK}`]), anAddress('10.20.0.19'), false],
    [
      'of the network, outside its CIDR',
      rule([`10.20.0.0/16@${NETWORK}`]),
      anAddress('10.21.0.1', { network: NETWORK }),
      false,
    ],
  ])('an address %s', (_what, countingRule, address, expected) => {
    expect(counts(countingRule, address)).toBe(expected);
  });
});

describe('parseCountingNetwork', () => {
  it.each([
    ['10.20.0.0/16', '10.20.0.0/16', null],
    [' 10.20.0.19/32 ', '10.20.0.19/32', null],
    ['0.0.0.0/0', '0.0.0.0/0', null],
    ['FD00:20:0::/64', 'fd00:20::/64', null],
    [`10.20.0.0/16@${NETWORK}`, '10.20.0.0/16', NETWORK],
  ])('reads %j as %s of the network %s', (input, cidr, networkId) => {
    expect(parseCountingNetwork(input)).toEqual({ cidr, networkId });
  });

  it.each<[input: string, words: string]>([
    ['10.20.0.19', 'expected a CIDR'],
    ['10.20.0.1/16', 'no bit set behind its prefix'],
    ['fd00:20::1/64', 'no bit set behind its prefix'],
    ['10.20.0.0/33', 'a prefix of at most 32'],
    ['fd00::/129', 'a prefix of at most 128'],
    ['10.20.0.0/-1', 'expected a CIDR'],
    ['10.20.0.0/255.255.0.0', 'expected a CIDR'],
    ['10.20.0.0/16/16', 'expected a CIDR'],
    ['10.20.0.0/16@', 'the id of a Neutron network'],
    ["10.20.0.0/16@n'--", 'the id of a Neutron network'],
    ['10.20.0.0/16@a@b', 'the id of a Neutron network'],
    ['alpha-net', 'expected a CIDR'],
    ['', 'expected a CIDR'],
  ])('refuses %j: %s', (input, words) => {
    expect(() => parseCountingNetwork(input)).toThrow(InvalidInput);
    expect(() => parseCountingNetwork(input)).toThrow(words);
  });
});

describe('contains', () => {
  it.each([
    ['10.20.0.0/16', '10.20.0.0', true],
    ['10.20.0.0/16', '10.19.255.255', false],
    ['10.20.0.19/32', '10.20.0.19', true],
    ['0.0.0.0/0', '255.255.255.255', true],
    ['::/0', '10.20.0.19', false],
    ['fd00:20::/64', 'fd00:20::ffff:ffff:ffff:ffff', true],
    ['fd00:20::/64', 'fd00:20:0:1::', false],
    ['::ffff:0:0/96', '10.20.0.19', false],
  ])('%s and %s: %s', (cidr, address, expected) => {
    expect(contains(cidr, address)).toBe(expected);
  });
});
