import * as fc from 'fast-check';
import { Unavailable } from '../../lib/domain/errors';
import type { Observation } from '../../lib/domain/instance';
import { storeAll } from '../../lib/openstack/store-batch';

const observation = (instanceId: string): Observation => ({
  instanceId,
  time: new Date(0),
  source: 'notification',
  cause: 'instance.update',
});
const facts = { eventType: 'instance.update', routingKey: 'k', size: 1, keys: [] };
const list = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ observation: observation(`i-${index}`), facts }));
const idsOf = (observations: readonly Observation[]) => observations.map(({ instanceId }) => instanceId);

/** Stores as Postgres does: all of a call or nothing. */
class Sink {
  readonly stored: string[] = [];
  calls = 0;

  constructor(
    private readonly poison: readonly string[] = [],
    private unavailable = 0,
  ) {}

  async store(observations: readonly Observation[]): Promise<void> {
    this.calls += 1;
    if (this.unavailable > 0) {
      this.unavailable -= 1;
      throw new Unavailable('Postgres is away');
    }
    if (observations.some(({ instanceId }) => this.poison.includes(instanceId))) throw new Error('refused');
    this.stored.push(...idsOf(observations));
  }
}

describe('storeAll', () => {
  const always = async () => true;

  it('stores a batch at once', async () => {
    const sink = new Sink();
    await expect(storeAll(sink, list(500), always)).resolves.toEqual([]);
    expect([sink.calls, sink.stored.length]).toEqual([1, 500]);
  });

  it('does nothing for an empty one', async () => {
    const sink = new Sink();
    await expect(storeAll(sink, [], always)).resolves.toEqual([]);
    expect(sink.calls).toBe(0);
  });

  it('tries the same again while Postgres is away', async () => {
    const sink = new Sink([], 3);
    const waited: number[] = [];
    await storeAll(sink, list(2), async (failures) => waited.push(failures) > 0);
    expect([waited, sink.stored]).toEqual([
      [0, 1, 2],
      ['i-0', 'i-1'],
    ]);
  });

  it('gives up when it is not to wait any more', async () => {
    const sink = new Sink([], 9);
    await expect(storeAll(sink, list(2), async (failures) => failures < 2)).resolves.toBeNull();
    expect([sink.calls, sink.stored]).toEqual([3, []]);
  });

  it('finds the one that is refused in few calls', async () => {
    const sink = new Sink(['i-123']);
    await expect(storeAll(sink, list(500), always)).resolves.toMatchObject([{ observation: { instanceId: 'i-123' } }]);
    expect(sink.stored).toHaveLength(499);
    expect(sink.calls).toBeLessThan(20);
  });

  it('stores all others in their order, whichever are refused and whenever Postgres is away', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(40), fc.uniqueArray(fc.nat(40)), fc.nat(3), async (count, refused, unavailable) => {
        const poison = refused.filter((index) => index < count).toSorted((one, other) => one - other);
        const sink = new Sink(
          poison.map((index) => `i-${index}`),
          unavailable,
        );
        const all = list(count);
        const found = await storeAll(sink, all, always);
        expect(found?.map(({ observation: { instanceId } }) => instanceId)).toEqual(
          poison.map((index) => `i-${index}`),
        );
        expect(sink.stored).toEqual(
          idsOf(all.map((each) => each.observation)).filter((id) => !poison.includes(Number(id.slice(2)))),
        );
      }),
    );
  });
});
