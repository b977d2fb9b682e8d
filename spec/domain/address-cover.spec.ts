import * as fc from 'fast-check';
import { sortAddresses } from '../../lib/domain/address';
import { coverExactly, singleAddresses } from '../../lib/domain/address-cover';

const nearby = fc.oneof(
  fc.integer({ min: 0, max: 255 }).map((last) => `10.0.0.${last}`),
  fc.integer({ min: 0, max: 3 }).map((last) => `255.255.255.${255 - last}`),
  fc.integer({ min: 1, max: 60 }).map((last) => `fd00::${last.toString(16)}`),
);

describe('coverExactly', () => {
  it.each([
    [[], []],
    [['10.0.0.1'], ['10.0.0.1']],
    [
      ['10.0.0.1', '10.0.0.2'],
      ['10.0.0.1', '10.0.0.2'],
    ],
    [['10.0.0.3', '10.0.0.2'], ['10.0.0.2/31']],
    [
      ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'],
      ['10.0.0.1', '10.0.0.2/31', '10.0.0.4'],
    ],
    [['255.255.255.254', '255.255.255.255'], ['255.255.255.254/31']],
    [
      ['fd00::1', 'fd00::', '10.0.0.0'],
      ['10.0.0.0', 'fd00::/127'],
    ],
  ])('covers %j by %j', (addresses, blocks) => {
    expect(coverExactly(addresses)).toEqual(blocks);
  });
  it('has exactly the addresses, never one more, in as few blocks at most', () => {
    fc.assert(
      fc.property(fc.uniqueArray(nearby), (addresses) => {
        const blocks = coverExactly(addresses);
        expect(singleAddresses(blocks)).toEqual({ addresses: sortAddresses(addresses), foreign: [] });
        expect(blocks.length).toBeLessThanOrEqual(addresses.length);
      }),
    );
  });
  it('makes no block that is not taken apart again, however long the run is', () => {
    const run = Array.from({ length: 131_072 }, (_, index) => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`);
    const blocks = coverExactly(run);
    expect(blocks).toEqual(['10.0.0.0/16', '10.1.0.0/16']);
    expect(singleAddresses(blocks)).toEqual({ addresses: run, foreign: [] });
    expect(coverExactly(run, { 4: [15, 8], 6: [] })).toHaveLength(131_072);
  });
  it('uses the prefixes alone that it may', () => {
    const all = Array.from({ length: 257 }, (_, index) => `10.0.${Math.floor(index / 256)}.${index % 256}`);
    expect(coverExactly(all, { 4: [24], 6: [] })).toEqual(['10.0.0.0/24', '10.0.1.0']);
    expect(coverExactly(all.slice(1), { 4: [24], 6: [] })).toHaveLength(256);
  });
});

describe('singleAddresses', () => {
  it('takes blocks apart, and tells what is none of ours', () => {
    expect(singleAddresses(['10.0.0.5/30', '10.0.0.6', 'fd00::/127', '*', 'a.example', '10.0.0.0/8'])).toEqual({
      addresses: ['10.0.0.4', '10.0.0.5', '10.0.0.6', '10.0.0.7', 'fd00::', 'fd00::1'],
      foreign: ['*', '10.0.0.0/8', 'a.example'],
    });
  });
  it.each(['10.0.0.1/33', '10.0.0.1/', '10.0.0.1/a', '10.0.0.1/24/1', ''])('takes %j for none', (block) => {
    expect(singleAddresses([block])).toEqual({ addresses: [], foreign: [block] });
  });
});
