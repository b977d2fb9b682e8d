import { retryDelay } from '../../lib/sync/backoff';

describe('retryDelay', () => {
  it.each([
    [0, 1_000],
    [1, 2_000],
    [8, 256_000],
    [9, 300_000],
    [1_000, 300_000],
  ])('after %p failures is at most %p ms, and at least half of it', (failures, longest) => {
    expect(retryDelay(failures, () => 1)).toBe(longest);
    expect(retryDelay(failures, () => 0)).toBe(longest / 2);
  });
});
