import { type CountingRule, parseCountingNetwork } from '../../lib/domain/address';
import { type KnownInstance, type Observation, observe } from '../../lib/domain/instance';
import { questionAfter, withoutGrants } from '../../lib/domain/trust';
import { anAddress } from '../support/an-address';
import { EVERYTHING_COUNTS } from '../support/rules';

const T = (seconds: number) => new Date(Date.UTC(2026, 10, 23, 14, 23, seconds));

const said = (rest: Partial<Observation> = {}): Observation => ({
  instanceId: 'vm',
  time: T(10),
  source: 'events',
  cause: 'instance.update',
  ...rest,
});
const list = (...addresses: readonly string[]) => addresses.map((address) => anAddress(address));
const textOf = ({ addresses }: Observation) => addresses?.map(({ address }) => address);

/** Live, of project alpha, with one address, as Compute said. */
const KNOWN: KnownInstance = observe(
  null,
  said({ project: 'alpha', state: 'live', addresses: list('10.0.0.1'), time: T(5), source: 'compute' }),
);

describe('withoutGrants', () => {
  it.each<[what: string, known: KnownInstance | null, observation: Observation, claims: boolean]>([
    [
      'an instance that nobody knows',
      null,
      said({ state: 'live', project: 'alpha', addresses: list('10.0.0.1') }),
      true,
    ],
    ['a known one, said again', KNOWN, said({ state: 'live', project: 'alpha', addresses: list('10.0.0.1') }), false],
    ['an address more', KNOWN, said({ state: 'live', addresses: list('10.0.0.1', '10.0.0.2') }), true],
    ['another project', KNOWN, said({ state: 'live', project: 'beta' }), true],
    ['an address less', KNOWN, said({ state: 'live', addresses: [] }), false],
    ['a restoration', observe(KNOWN, said({ state: 'suspended' })), said({ state: 'live', restored: true }), true],
    [
      'an end, whatever else it says',
      KNOWN,
      said({ state: 'gone', project: 'beta', addresses: list('10.0.0.9') }),
      false,
    ],
  ])('%s', (_what, known, observation, claims) => {
    const result = withoutGrants(known, observation);
    expect(result.claims).toBe(claims);
    const after = observe(known, result.holds);
    // nobody gets more than was known
    expect(after.project?.value ?? null).toBe(known?.project?.value ?? null);
    expect([...(known?.addresses?.value ?? [])]).toEqual(expect.arrayContaining([...(after.addresses?.value ?? [])]));
    const isLive = (instance: KnownInstance | null) => instance?.state?.value === 'live';
    expect(isLive(after) && !isLive(known)).toBe(false);
  });

  it('lets an end through at once', () => {
    expect(withoutGrants(KNOWN, said({ state: 'suspended' })).holds.state).toBe('suspended');
    expect(withoutGrants(KNOWN, said({ state: 'gone' })).holds.state).toBe('gone');
  });

  it('narrows the list to what was known of it', () => {
    expect(textOf(withoutGrants(KNOWN, said({ addresses: list('10.0.0.2') })).holds)).toEqual([]);
    expect(textOf(withoutGrants(KNOWN, said({ addresses: list('10.0.0.1', '10.0.0.2') })).holds)).toEqual(['10.0.0.1']);
    expect(textOf(withoutGrants(KNOWN, said({})).holds)).toBeUndefined();
  });
});

describe('questionAfter', () => {
  const BOUND: CountingRule = { networks: [parseCountingNetwork('10.0.0.0/8@storage')], kinds: ['fixed'] };
  const raised = (known: KnownInstance | null, observation: Observation, rule = EVERYTHING_COUNTS) =>
    questionAfter(known, observe(known, observation), observation, rule);
  const notified = (rest: Partial<Observation>) => said({ source: 'notification', ...rest });

  it('asks nothing about what is plain', () => {
    expect(raised(null, notified({ state: 'live', addresses: list('10.0.0.1') }))).toBeNull();
    expect(raised(KNOWN, notified({ state: 'live', addresses: [] }))).toBeNull();
    expect(raised(KNOWN, notified({ state: 'gone' }))).toBeNull();
  });

  it('asks a minute after a deletion has begun what became of it, once', () => {
    const ending = notified({ state: 'suspended' });
    expect(raised(KNOWN, ending)).toMatchObject({ reason: 'ending', delayMilliseconds: 60_000 });
    expect(raised(observe(KNOWN, ending), notified({ state: 'suspended', time: T(20) }))).toBeNull();
  });

  it('asks at once when an old message would take an address away', () => {
    expect(raised(KNOWN, notified({ time: T(1), addresses: [] }))).toMatchObject({
      reason: 'late',
      delayMilliseconds: 0,
    });
    expect(raised(KNOWN, notified({ time: T(1), addresses: list('10.0.0.1', '10.0.0.2') }))).toBeNull();
    expect(raised(KNOWN, said({ source: 'compute', time: T(1), addresses: [] }))).toBeNull();
  });

  it('asks at once when an old message tells of an end', () => {
    for (const state of ['suspended', 'gone'] as const)
      expect(raised(KNOWN, notified({ time: T(1), state }))).toMatchObject({
        reason: 'late',
        pauseMilliseconds: 1_000,
      });
    expect(raised(KNOWN, said({ source: 'compute', time: T(1), state: 'gone' }))).toBeNull();
  });

  it('asks soon about a port that was not told before, and not so soon again about one that was', () => {
    const told = (...addresses: readonly string[]) =>
      notified({ state: 'live', addresses: addresses.map((address) => anAddress(address)), time: T(20) });
    const known = observe(null, told('10.0.0.1'));
    expect(raised(null, told('10.0.0.1'), BOUND)?.pauseMilliseconds).toBe(1_000);
    expect(raised(known, { ...told('10.0.0.1'), time: T(21) }, BOUND)?.pauseMilliseconds).toBe(10_000);
    expect(raised(known, { ...told('10.0.0.1', '10.0.0.2'), time: T(21) }, BOUND)?.pauseMilliseconds).toBe(1_000);
  });

  it('asks for the network of a port where that decides', () => {
    const live = (address: string, network: string | null) =>
      raised(null, notified({ state: 'live', addresses: [anAddress(address, { network })] }), BOUND)?.reason ?? null;
    expect(live('10.0.0.1', null)).toBe('port');
    expect(live('10.0.0.1', 'storage')).toBeNull();
    expect(live('10.0.0.1', 'another')).toBeNull();
    expect(live('192.0.2.1', null)).toBeNull();
  });
});
