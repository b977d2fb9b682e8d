import { type KnownInstance, type Observation, observationTime, observe } from '../../lib/domain/instance';
import { anAddress } from '../support/an-address';

const T = (seconds: number) => new Date(Date.UTC(2026, 10, 23, 14, 23, seconds));

const said = (seconds: number, rest: Partial<Observation> = {}): Observation => ({
  instanceId: 'i-1',
  time: T(seconds),
  source: 'notification',
  cause: 'instance.update',
  ...rest,
});
const knownAfter = (...observations: readonly Observation[]) =>
  observations.reduce<KnownInstance | null>(observe, null);
const stateAfter = (...observations: readonly Observation[]) => knownAfter(...observations)?.state?.value;

/** What decides who is let in, of what is known. */
const access = (known: KnownInstance | null) => ({
  live: known?.state?.value === 'live',
  project: known?.project?.value ?? null,
  addresses: known?.addresses?.value ?? [],
});

const live = { state: 'live' } as const;
const suspended = { state: 'suspended' } as const;
const gone = { state: 'gone' } as const;
const compute = { source: 'compute' } as const;

describe('observe', () => {
  it.each<[what: string, observations: Observation[], state: string]>([
    ['a live one is live', [said(1, live)], 'live'],
    ['a newer end ends it', [said(1, live), said(2, suspended)], 'suspended'],
    ['an end of the same moment ends it', [said(1, live), said(1, gone)], 'gone'],
    ['an older end ends it too', [said(2, live), said(1, gone)], 'gone'],
    ['but not when Compute has said live for later', [said(2, { ...live, ...compute }), said(1, gone)], 'live'],
    ['nor when it was restored later', [said(2, { ...live, restored: true }), said(1, suspended)], 'live'],
    ['a notification never brings it back', [said(1, suspended), said(2, live)], 'suspended'],
    ['nor does what _events says', [said(1, suspended), said(2, { ...live, source: 'events' })], 'suspended'],
    ['Compute does', [said(1, gone), said(2, { ...live, ...compute })], 'live'],
    ['the host does', [said(1, gone), said(2, { ...live, source: 'host' })], 'live'],
    ['a restoration does', [said(1, suspended), said(2, { ...live, restored: true })], 'live'],
    ['an older answer of Compute does not', [said(2, suspended), said(1, { ...live, ...compute })], 'suspended'],
    ['nor one of the same moment', [said(2, suspended), said(2, { ...live, ...compute })], 'suspended'],
    ['gone stays gone when a deletion began later', [said(1, gone), said(2, suspended)], 'gone'],
    ['what says no state changes none', [said(1, suspended), said(2)], 'suspended'],
  ])('%s', (_what, observations, state) => {
    expect(stateAfter(...observations)).toBe(state);
  });

  it('takes the newest of each fact, whenever it comes', () => {
    const known = knownAfter(
      said(3, { addresses: [anAddress('10.0.0.3')] }),
      said(4, { project: 'beta' }),
      said(2, { project: 'alpha', addresses: [anAddress('10.0.0.2')] }),
    );
    expect(access(known)).toMatchObject({ project: 'beta', addresses: [{ address: '10.0.0.3' }] });
    expect(known?.addresses?.time).toEqual(T(3));
  });

  it('does not age a list that is not said, and knows none from not known', () => {
    const first = said(1, { addresses: [anAddress('10.0.0.1')] });
    expect(access(knownAfter(first, said(2))).addresses).toHaveLength(1);
    expect(access(knownAfter(first, said(2, { addresses: [] }))).addresses).toEqual([]);
    expect(knownAfter(said(1))?.addresses).toBeNull();
  });

  it('lets in what both say, where two tell different things of one moment', () => {
    const one = said(1, { project: 'alpha', addresses: ['10.0.0.1', '10.0.0.2'].map((each) => anAddress(each)) });
    const other = said(1, { project: 'beta', addresses: ['10.0.0.2', '10.0.0.3'].map((each) => anAddress(each)) });
    expect(access(knownAfter(one, other))).toMatchObject({ project: null, addresses: [anAddress('10.0.0.2')] });
  });

  it('returns what was known when nothing changes', () => {
    const known = knownAfter(said(2, { ...live, project: 'alpha', addresses: [anAddress('10.0.0.1')] }));
    expect(known).not.toBeNull();
    expect(observe(known, said(2, { ...live, project: 'alpha', addresses: [anAddress('10.0.0.1')] }))).toBe(known);
    expect(observe(known, said(1, { ...live, project: 'beta' }))).toBe(known);
  });
});

describe('observationTime', () => {
  const arrival = T(0);
  const ahead = (milliseconds: number) => new Date(arrival.getTime() + milliseconds);

  it.each<[what: string, said: Date | null, time: Date]>([
    ['what is said', T(-600), T(-600)],
    ['what is said, up to five minutes ahead', ahead(300_000), ahead(300_000)],
    ['the arrival, of what is further ahead', ahead(300_001), arrival],
    ['the arrival, of nothing', null, arrival],
    ['the arrival, of no date', new Date('never'), arrival],
  ])('is %s', (_what, moment, time) => {
    expect(observationTime(moment, arrival)).toEqual(time);
  });
});
