import { Batches, MOST_OBSERVATIONS } from '../../lib/openstack/batch';
import { readDelivery } from '../../lib/openstack/delivery';
import { enveloped } from '../support/bus-messages';
import { aVersioned } from '../support/nova-notifications';

const taken = (message: unknown) => readDelivery(enveloped(message), 'k', new Date(0));
const OBSERVED = taken(aVersioned('update'));
const IGNORED = taken({ event_type: 'keypair.create.end' });
const UNREADABLE = taken({});

describe('Batches', () => {
  const batches = () => new Batches<number>();
  const filled = (...each: readonly (typeof OBSERVED)[]) => {
    const some = batches();
    for (const [index, one] of each.entries()) some.add(one, index + 1, index);
    return some;
  };

  it('are empty at first', () => {
    expect(batches().isEmpty).toBe(true);
    expect(batches().take()).toBeNull();
    expect(batches().gatheringTime(0)).toBe(0);
  });

  it('hold what is to be stored and described, and acknowledge up to the last message', () => {
    const some = filled(IGNORED, OBSERVED, UNREADABLE, OBSERVED, IGNORED);
    expect(some.isEmpty).toBe(false);
    expect(some.take()).toMatchObject({
      observed: [OBSERVED.observed, OBSERVED.observed],
      letters: [UNREADABLE.letter],
      upTo: 5,
    });
    expect(some.take()).toBeNull();
  });

  it('hold messages of no interest as one token', () => {
    expect(filled(IGNORED, IGNORED, IGNORED).take()).toMatchObject({ observed: [], letters: [], upTo: 3 });
  });

  it('have at most 500 observations, in the order in which they came', () => {
    const some = filled(...Array.from({ length: MOST_OBSERVATIONS + 1 }, () => OBSERVED));
    expect(some.gatheringTime(0)).toBe(0);
    expect(some.take()).toMatchObject({ observed: { length: 500 }, upTo: 500 });
    expect(some.take()).toMatchObject({ observed: { length: 1 }, upTo: 501 });
  });

  it('wait for more until 5 ms after the first message', () => {
    const some = filled(OBSERVED, OBSERVED, OBSERVED);
    expect([0, 4, 5, 99].map((now) => some.gatheringTime(now))).toEqual([5, 1, 0, 0]);
  });
});
