import { type AccessEntry, accessDifference, inAddressOrder } from '../../lib/domain/access-difference';

const entry = (line: string): AccessEntry => {
  const [address = '', instanceId = ''] = line.split(' ');
  return { address, instanceId };
};
const line = ({ address, instanceId }: AccessEntry) => `${address} ${instanceId}`;

describe('accessDifference', () => {
  const difference = (wanted: readonly string[], present: readonly string[]) => {
    const { granted, withdrawn } = accessDifference(wanted.map(entry), present.map(entry));
    return { granted: granted.map(line), withdrawn: withdrawn.map(line) };
  };

  it('has what comes and what goes, and not what stays', () => {
    expect(difference(['10.0.0.1 a', '10.0.0.2 b'], ['10.0.0.2 b', '10.0.0.3 c'])).toEqual({
      granted: ['10.0.0.1 a'],
      withdrawn: ['10.0.0.3 c'],
    });
  });

  it('takes an address that moves to another instance for two entries', () => {
    expect(difference(['10.0.0.1 b'], ['10.0.0.1 a'])).toEqual({ granted: ['10.0.0.1 b'], withdrawn: ['10.0.0.1 a'] });
  });

  it('has nothing where nothing changes', () => {
    expect(difference(['10.0.0.1 a'], ['10.0.0.1 a'])).toEqual({ granted: [], withdrawn: [] });
    expect(difference([], [])).toEqual({ granted: [], withdrawn: [] });
  });
});

describe('inAddressOrder', () => {
  it('orders by address as a number, IPv4 first, and then by instance in byte order', () => {
    const sorted = ['9.0.0.1 z', '10.0.0.2 B', '10.0.0.2 a', '10.0.0.10 a', '::1 a', 'fd00::2 a', 'fd00::10 a'];
    expect(inAddressOrder(sorted.toReversed().map(entry)).map(line)).toEqual(sorted);
  });
});
