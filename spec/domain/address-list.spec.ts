import type { InstanceAddress } from '../../lib/domain/address';
import { commonAddresses, countableAddresses } from '../../lib/domain/address-list';
import { anAddress } from '../support/an-address';

describe('commonAddresses', () => {
  const bare = anAddress('10.0.0.1');
  const whole = anAddress('10.0.0.1', { network: 'n1', port: 'p1' });

  it.each<[what: string, one: InstanceAddress[], other: InstanceAddress[], common: InstanceAddress[]]>([
    ['what both have', [bare, anAddress('10.0.0.2')], [bare, anAddress('10.0.0.3')], [bare]],
    ['nothing, of lists without a common address', [bare], [anAddress('10.0.0.2')], []],
    ['the network and the port that only one knows', [bare], [whole], [whole]],
    [
      'the network from one, the port from the other',
      [{ ...whole, port: null }],
      [{ ...whole, network: null }],
      [whole],
    ],
    ['not an address of two kinds', [bare], [{ ...bare, kind: 'floating' }], []],
    ['not an address of two networks', [whole], [{ ...whole, network: 'n2' }], []],
    ['not an address of two ports', [whole], [{ ...whole, port: 'p2' }], []],
  ])('has %s', (_what, one, other, common) => {
    expect(commonAddresses(one, other)).toEqual(common);
    expect(commonAddresses(other, one)).toEqual(common);
  });
});

describe('countableAddresses', () => {
  it('has them in order, each once, without those that can never count', () => {
    const list = ['10.0.0.9', '10.0.0.1', 'fe80::1', '127.0.0.1', '10.0.0.9'].map((each) => anAddress(each));
    expect(countableAddresses(list)).toEqual([anAddress('10.0.0.1'), anAddress('10.0.0.9')]);
  });

  it('has no more than an instance ever has', () => {
    const many = Array.from({ length: 20_000 }, (_, index) =>
      anAddress(`10.${index >> 14}.${(index >> 7) & 127}.${index & 127}`),
    );
    expect(countableAddresses(many)).toHaveLength(256);
    expect(countableAddresses(many.toReversed())).toEqual(countableAddresses(many));
  });
});
