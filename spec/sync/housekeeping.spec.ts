import type { Logger } from '../../lib/ports/host';
import { keepHouse } from '../../lib/sync/housekeeping';
import { HandClock } from '../support/hand-clock';

const MINUTE = 60_000;
const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

describe('keepHouse', () => {
  /** What was done, with the time before which something was forgotten; moves on by minutes. */
  async function keptHouse(minutes: number, prune = async () => 0): Promise<readonly string[]> {
    const clock = new HandClock(new Date('2026-11-24T12:00:00Z'));
    const stop = new AbortController();
    const done: string[] = [];
    const kept = keepHouse(
      clock,
      async () => void done.push('clock'),
      {
        prune: (before) => {
          done.push(`instances ${before.toISOString()}`);
          return prune();
        },
      },
      {
        prune: async (before, signal) => {
          done.push(`log ${before.toISOString()}`);
          expect(signal).toBe(stop.signal);
          return 0;
        },
      },
      400,
      silent,
      stop.signal,
    );
    for (let minute = 0; minute < minutes; minute += 1) {
      await new Promise(setImmediate);
      clock.advance(MINUTE);
    }
    await new Promise(setImmediate);
    stop.abort();
    await kept;
    return done;
  }

  it('forgets at the start what is too old, tombstones of a day and the log of so many days', async () => {
    expect(await keptHouse(0)).toEqual(['instances 2026-11-23T12:00:00.000Z', 'log 2025-10-20T12:00:00.000Z']);
  });

  it('measures the clock every minute, and forgets every hour', async () => {
    const done = await keptHouse(61);
    expect(done.filter((each) => each === 'clock')).toHaveLength(61);
    expect(done.filter((each) => each.startsWith('log'))).toEqual([
      'log 2025-10-20T12:00:00.000Z',
      'log 2025-10-20T13:00:00.000Z',
    ]);
  });

  it('goes on after a failure', async () => {
    const done = await keptHouse(60, async () => {
      throw new Error('the database is out of reach');
    });
    expect(done.filter((each) => each.startsWith('instances'))).toHaveLength(2);
  });
});
