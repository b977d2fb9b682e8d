import { WakeUp } from '../../lib/sync/wake-up';
import { HandClock } from '../support/hand-clock';

describe('WakeUp', () => {
  const clock = new HandClock();
  const wakeUp = new WakeUp(clock);

  it('ends a wait at a call', async () => {
    const wait = wakeUp.wait(1_000);
    wakeUp.call();
    await expect(wait).resolves.toBeUndefined();
  });

  it('ends a wait after its time', async () => {
    const wait = wakeUp.wait(1_000);
    clock.advance(1_000);
    await expect(wait).resolves.toBeUndefined();
  });

  it('keeps one call for the next wait, and no more than one', async () => {
    wakeUp.call();
    wakeUp.call();
    await wakeUp.wait(1_000);
    let over = false;
    const next = wakeUp.wait(1_000).then(() => {
      over = true;
    });
    await Promise.resolve();
    expect(over).toBe(false);
    clock.advance(1_000);
    await next;
  });
});
