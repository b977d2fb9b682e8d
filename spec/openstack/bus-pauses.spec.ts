import { growingPause } from '../../lib/openstack/bus-pauses';

describe('growingPause', () => {
  it.each([
    [0, 500],
    [1, 1_000],
    [5, 16_000],
    [6, 30_000],
    [5_000, 30_000],
  ])('after %d failures is at most %d ms, and at least half of it', (failures, most) => {
    expect(growingPause(500, () => 1)(failures)).toBe(most);
    expect(growingPause(500, () => 0)(failures)).toBe(most / 2);
  });
});
