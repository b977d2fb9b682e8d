import { patientAfter, within } from '../../lib/openstack/within';
import { HandClock } from '../support/hand-clock';

const never = () => new Promise<void>(() => undefined);

describe('within', () => {
  it('tells whether a promise was in time', async () => {
    const clock = new HandClock();
    await expect(within(10, clock, Promise.resolve())).resolves.toBe(true);
    const late = within(10, clock, never());
    clock.advance(10);
    await expect(late).resolves.toBe(false);
  });

  it('throws what the promise throws in time, and nothing that it throws later', async () => {
    const clock = new HandClock();
    await expect(within(10, clock, Promise.reject(new Error('in time')))).rejects.toThrow('in time');
    let fail = (_error: Error): void => undefined;
    const late = within(
      10,
      clock,
      new Promise((_, reject) => {
        fail = reject;
      }),
    );
    clock.advance(10);
    await expect(late).resolves.toBe(false);
    fail(new Error('too late'));
  });
});

describe('patientAfter', () => {
  it('waits as long as it takes before the abort, and not longer than said after it', async () => {
    const clock = new HandClock();
    const stop = new AbortController();
    const result = patientAfter(stop.signal, 10, clock, never());
    clock.advance(1_000);
    stop.abort();
    clock.advance(9);
    await expect(Promise.race([result, Promise.resolve('waiting')])).resolves.toBe('waiting');
    clock.advance(1);
    await expect(result).resolves.toBeUndefined();
    await expect(patientAfter(stop.signal, 10, clock, Promise.resolve('done'))).resolves.toBe('done');
  });
});
