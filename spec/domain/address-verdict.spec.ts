import * as fc from 'fast-check';
import {
  type CountingRule,
  countingAddresses,
  type InstanceAddress,
  parseCountingNetwork,
} from '../../lib/domain/address';
import { addressVerdict } from '../../lib/domain/address-verdict';
import { anAddress } from '../support/an-address';

const rule: CountingRule = {
  networks: ['10.20.0.0/16', '10.30.0.0/16@storage'].map(parseCountingNetwork),
  kinds: ['fixed'],
  excluded: ['10.20.0.5'],
};

describe('addressVerdict', () => {
  it.each<[what: string, address: InstanceAddress, counts: boolean | null, reason: RegExp]>([
    ['of a network that counts', anAddress('10.20.0.1'), true, /^It counts\.$/],
    ['of the network that its range needs', anAddress('10.30.0.1', { network: 'storage' }), true, /^It counts\.$/],
    ['whose network is not known', anAddress('10.30.0.1'), null, /network of its port is not known/],
    ['of another network', anAddress('10.30.0.1', { network: 'mine' }), false, /on another network/],
    ['outside all networks', anAddress('192.0.2.1'), false, /outside the networks that count/],
    ['that is floating', anAddress('10.20.0.1', { kind: 'floating' }), false, /It is floating/],
    ['of the filer', anAddress('10.20.0.5'), false, /filer's own/],
    ['that never counts', anAddress('169.254.1.1'), false, /never counts/],
  ])('says of one %s whether it counts, and why', (_what, address, counts, reason) => {
    expect(addressVerdict(rule, [], address, false)).toEqual({ counts, reason: expect.stringMatching(reason) });
  });

  it('says of one that is let in already that it stays', () => {
    expect(addressVerdict(rule, [], anAddress('10.30.0.1'), true)).toMatchObject({
      counts: true,
      reason: expect.stringMatching(/let in already/),
    });
  });

  it('does not tell the settings', () => {
    const { reason } = addressVerdict(rule, [], anAddress('10.30.0.1', { network: 'mine' }), false);
    expect(reason).not.toMatch(/10\.|storage/);
  });

  it('agrees with what counts, for every list and rule', () => {
    const addresses = fc.uniqueArray(
      fc.record({
        address: fc.constantFrom(
          '10.20.0.1',
          '10.20.0.2',
          '10.20.0.5',
          '10.30.0.1',
          '192.0.2.1',
          '169.254.1.1',
          'fd00::1',
        ),
        kind: fc.constantFrom('fixed', 'floating'),
        network: fc.constantFrom(null, 'storage', 'mine'),
        port: fc.constant(null),
        mac: fc.constant(null),
      }),
      { selector: ({ address }) => address },
    );
    const rules = fc.record({
      networks: fc.constantFrom(null, [], rule.networks),
      kinds: fc.constantFrom(['fixed'], ['fixed', 'floating'], []),
      excluded: fc.constantFrom([], ['10.20.0.5']),
      mostPerInstance: fc.constantFrom(1, 2, 8),
    });
    fc.assert(
      fc.property(addresses, rules, (list: readonly InstanceAddress[], anyRule) => {
        const { counting, surplus } = countingAddresses(anyRule, list);
        const found = list.filter((each) => addressVerdict(anyRule, surplus, each, false).counts === true);
        expect(new Set(found)).toEqual(new Set(counting));
      }),
    );
  });
});
