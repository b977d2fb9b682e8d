import type { Clock } from '../../lib/ports/clock';
import { Drift } from '../../lib/sync/drift';
import { InMemoryDriver } from '../support/in-memory-driver';
import { NO_METRICS, SILENT } from '../support/reconcilers';
import { settleAll } from '../support/settle';
import { aFilesystem, BACKEND, freshStores, type Stores } from '../support/stores';

const INTERVAL = 600_000;
const HEALTH = {
  served: BACKEND,
  status: { name: BACKEND.name, driver: 'in-memory', state: 'up', served: 'here', message: null, lacks: [] },
  verify: async () => 'sound' as const,
} as const;

/** A clock on which whoever sleeps wakes at once, and it is so much later. */
class HurriedClock implements Clock {
  #elapsed = 0;
  now(): Date {
    return new Date(this.#elapsed);
  }
  monotonic(): number {
    return this.#elapsed;
  }
  async sleep(milliseconds: number): Promise<void> {
    this.#elapsed += milliseconds;
    await new Promise(setImmediate);
  }
}

describe('the pace of comparisons', () => {
  let stores: Stores;
  beforeAll(async () => {
    stores = await freshStores();
    for (let number = 0; number < 120; number += 1) await aFilesystem(stores);
    await settleAll(stores);
  });
  afterAll(() => stores.close());

  /** Compares for so many rounds. @returns when each volume was read, milliseconds from the start */
  const reads = async (
    rounds: number,
    random: () => number,
    millisecondsOfRead = 0,
    mayBegin?: () => Promise<boolean>,
  ) => {
    const clock = new HurriedClock();
    const driver = new InMemoryDriver();
    const stop = new AbortController();
    const times = new Map<string, number[]>();
    driver.readAccess = async ({ id }) => {
      await clock.sleep(millisecondsOfRead);
      times.set(id, [...(times.get(id) ?? []), clock.monotonic()]);
      if ([...times.values()].every(({ length }) => length >= rounds) && times.size === 120) stop.abort();
      return [];
    };
    const options = { mode: 'report', intervalMilliseconds: INTERVAL, mayBegin } as const;
    await new Drift(stores.drift, driver, HEALTH, options, clock, random, SILENT, NO_METRICS).run(stop.signal);
    return times;
  };

  it.each([
    ['as late as may be', 1, 0],
    ['as soon as may be', 0, 0],
    ['on a slow backend', 1, 2_000],
  ])('looks at every volume within each interval, %s', async (_, random, millisecondsOfRead) => {
    const times = await reads(4, () => random, millisecondsOfRead);
    for (const read of times.values())
      for (const [index, time] of read.entries()) expect(time - (read[index - 1] ?? 0)).toBeLessThanOrEqual(INTERVAL);
  });

  it('spreads them over the interval, but for the first round, which is quick', async () => {
    const times = [...(await reads(2, () => 0.5)).values()];
    const firsts = times.map(([first = 0]) => first);
    const seconds = times.map(([, second = 0]) => second);
    expect(Math.max(...firsts)).toBeLessThan(INTERVAL / 10);
    expect(Math.max(...seconds) - Math.min(...seconds)).toBeGreaterThan(INTERVAL / 2);
    // no more at once than a share
    const atOnce = new Map<number, number>();
    for (const time of seconds) atOnce.set(time, (atOnce.get(time) ?? 0) + 1);
    expect(Math.max(...atOnce.values())).toBeLessThanOrEqual(3);
  });

  it.each([
    ['until the directory is known to be of now', 5, INTERVAL / 10],
    ['for an interval at most', Number.POSITIVE_INFINITY, INTERVAL],
  ])('begins not at once, %s', async (_, answers, latest) => {
    let asked = 0;
    const mayBegin = async () => {
      asked += 1;
      if (asked === 1) throw new Error('the database is out of reach');
      return asked > answers;
    };
    const firsts = [...(await reads(1, () => 0.5, 0, mayBegin)).values()].map(([first = 0]) => first);
    expect(Math.min(...firsts)).toBeGreaterThanOrEqual((INTERVAL / 60) * Math.min(answers, 60));
    expect(Math.min(...firsts)).toBeLessThanOrEqual(latest);
  });
});
