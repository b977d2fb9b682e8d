import { Pace } from '../../lib/sync/pace';
import { HandClock } from '../support/hand-clock';

describe('Pace', () => {
  const pauseAfter = (runs: number, duration = 0) => {
    const pace = new Pace(new HandClock());
    for (let run = 1; run < runs; run += 1) pace.ended(duration);
    return pace.ended(duration);
  };

  it.each([
    [1, 0],
    [20, 0],
    [110, 500],
    [200, 1_000],
    [1_000, 1_000],
  ])('after %p runs in a second leaves a filesystem alone for %p ms', (runs, pause) => {
    expect(pauseAfter(runs).pause).toBe(pause);
  });

  it.each([
    [4, 8],
    [1_000, 2_000],
    [60_000, 5_000],
  ])('after a run of %p ms waits %p ms before one that only grants', (duration, grantPause) => {
    expect(pauseAfter(1, duration)).toEqual({ pause: 0, grantPause });
  });

  it('forgets a storm after a second', () => {
    const clock = new HandClock();
    const pace = new Pace(clock);
    for (let run = 0; run < 300; run += 1) pace.ended(0);
    clock.advance(1_000);
    expect(pace.ended(0).pause).toBe(0);
  });
});
