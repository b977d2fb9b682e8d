import * as fc from 'fast-check';
import { type KnownInstance, type Observation, observe } from '../../lib/domain/instance';

const T = (seconds: number) => new Date(Date.UTC(2026, 10, 23, 14, 23, seconds));

const knownAfter = (...observations: readonly Observation[]) =>
  observations.reduce<KnownInstance | null>(observe, null);

/** What decides who is let in, of what is known. */
const access = (known: KnownInstance | null) => ({
  live: known?.state?.value === 'live',
  project: known?.project?.value ?? null,
  addresses: known?.addresses?.value ?? [],
});

describe('observations in any order, with any repeated', () => {
  const address = fc.record({
    address: fc.constantFrom('10.0.0.1', '10.0.0.2', 'fd00::1'),
    kind: fc.constantFrom('fixed' as const, 'floating' as const),
    network: fc.constantFrom(null, 'n1', 'n2'),
    port: fc.constantFrom(null, 'p1', 'p2'),
    mac: fc.constantFrom(null, 'fa:16:3e:00:00:01', 'fa:16:3e:00:00:02'),
  });
  const observation: fc.Arbitrary<Observation> = fc.record({
    instanceId: fc.constant('i-1'),
    project: fc.constantFrom(undefined, 'alpha', 'beta'),
    state: fc.constantFrom(undefined, 'live' as const, 'suspended' as const, 'gone' as const),
    restored: fc.boolean(),
    addresses: fc.option(fc.array(address, { maxLength: 3 }), { nil: undefined }),
    time: fc.integer({ min: 1, max: 5 }).map(T), // few, so that many are of one moment
    source: fc.constantFrom('notification' as const, 'events' as const, 'host' as const, 'compute' as const),
    cause: fc.constant('instance.update'),
  });
  const twoOrders = fc
    .array(observation, { minLength: 1, maxLength: 8 })
    .chain((all) =>
      fc.tuple(
        fc.constant(all),
        fc.tuple(fc.shuffledSubarray(all, { minLength: all.length }), fc.shuffledSubarray(all)),
      ),
    );

  it('give the same access', () => {
    fc.assert(
      fc.property(twoOrders, ([one, [other, again]]) => {
        expect(access(knownAfter(...other, ...again))).toEqual(access(knownAfter(...one)));
      }),
      { numRuns: 3000 },
    );
  });
});
