import type { Claim } from '../../lib/ports/work-store';
import { HeldLeases, LeaseLost } from '../../lib/sync/held-leases';
import { HandClock } from '../support/hand-clock';

const aClaim = (filesystemId: string): Claim => ({
  filesystemId,
  backend: 'default',
  kind: 'short',
  leaseToken: 1n,
  failures: 0,
});

describe('HeldLeases', () => {
  const clock = new HandClock();
  let stop: AbortController;
  let kept: Promise<void>;
  /** What the store answers to the next renewals. */
  let renew: (claims: readonly Claim[]) => Promise<ReadonlySet<string>>;
  let leases: HeldLeases;

  beforeEach(() => {
    stop = new AbortController();
    renew = async (claims) => new Set(claims.map(({ filesystemId }) => filesystemId));
    leases = new HeldLeases({ renew: (claims) => renew(claims) }, clock);
    kept = leases.keep(stop.signal);
  });
  afterEach(async () => {
    stop.abort();
    await kept;
  });

  const pass = async (milliseconds: number) => {
    for (let passed = 0; passed < milliseconds; passed += 500) {
      clock.advance(500);
      await new Promise(setImmediate);
    }
  };

  it('keeps a lease for as long as it is renewed', async () => {
    const signal = leases.take(aClaim('a'), clock.monotonic());
    await pass(60_000);
    expect(signal.aborted).toBe(false);
  });

  it('aborts the run whose lease another has, and no other', async () => {
    renew = async () => new Set(['a']);
    const mine = leases.take(aClaim('a'), clock.monotonic());
    const lost = leases.take(aClaim('b'), clock.monotonic());
    await pass(3_500);
    expect(mine.aborted).toBe(false);
    expect(lost.reason).toBeInstanceOf(LeaseLost);
  });

  it('aborts by its own clock when the database cannot be asked, before anybody else may claim', async () => {
    renew = () => new Promise(() => undefined);
    const signal = leases.take(aClaim('a'), clock.monotonic());
    await pass(9_500);
    expect(signal.aborted).toBe(false);
    await pass(500);
    expect(signal.reason).toBeInstanceOf(LeaseLost);
  });

  it('leaves a run alone that has ended while it was renewed', async () => {
    let answer: (ids: ReadonlySet<string>) => void = () => undefined;
    renew = () => new Promise((resolve) => (answer = resolve));
    leases.take(aClaim('a'), clock.monotonic());
    await pass(3_500);
    leases.drop(aClaim('a'));
    const again = leases.take(aClaim('a'), clock.monotonic());
    answer(new Set());
    await pass(500);
    expect(again.aborted).toBe(false);
  });
});
