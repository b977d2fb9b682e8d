import { boundedList } from '../../lib/domain/bounded-list';

const atMost = (limit: number) => (addresses: readonly string[]) => addresses.length <= limit;

describe('boundedList', () => {
  it('takes all where all fit', () => {
    expect(boundedList(['a', 'b'], [], [], atMost(2))).toEqual({ taken: ['a', 'b'], left: [] });
  });
  it('keeps those that are let in, then takes those that wait, then the others', () => {
    const list = ['a', 'b', 'c', 'd', 'e'];
    expect(boundedList(list, ['e', 'gone'], ['d'], atMost(3))).toEqual({ taken: ['a', 'd', 'e'], left: ['b', 'c'] });
  });
  it('takes nobody where nothing fits', () => {
    expect(boundedList(['a'], ['a'], [], atMost(0))).toEqual({ taken: [], left: ['a'] });
  });
});
