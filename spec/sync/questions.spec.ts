import { noMetrics } from '../../lib/metrics';
import { Questions } from '../../lib/sync/questions';
import { InMemoryCompute } from '../support/in-memory-compute';
import { SILENT } from '../support/reconcilers';
import { accessOf } from '../support/settle';
import { aFilesystem, anObservation, freshStores, type Stores } from '../support/stores';

const SECOND = 1_000;

describe('asking Compute', () => {
  let stores: Stores;
  let compute: InMemoryCompute;
  let questions: Questions;
  let outcomes: string[];
  const stop = () => stopping.abort();
  let stopping: AbortController;
  let ended: Promise<void>;
  let filesystem: { readonly id: string };

  beforeEach(async () => {
    stores = await freshStores(undefined, { canAsk: true });
    compute = new InMemoryCompute(stores.clock);
    outcomes = [];
    stopping = new AbortController();
    const metrics = {
      ...noMetrics,
      questionAsked: (reason: string, outcome: string) => void outcomes.push(`${reason} ${outcome}`),
    };
    questions = new Questions(
      stores.questions,
      compute,
      stores.clock,
      () => 1,
      () => {},
      SILENT,
      metrics,
    );
    ended = questions.run(stopping.signal);
    filesystem = await aFilesystem(stores);
  });
  afterEach(async () => {
    stop();
    await ended;
    await stores.close();
  });

  const claim = async (...ids: readonly string[]) => {
    stores.clock.advance(1);
    await stores.instances.apply(
      ids.map((id, index) => anObservation(stores.clock, id, { source: 'events', addresses: [`10.0.0.${index + 1}`] })),
    );
    questions.wake();
  };
  const asked = async (count: number) => {
    while (outcomes.length < count) await new Promise((resolve) => setImmediate(resolve));
  };
  const list = async () => (await accessOf(stores, filesystem.id)).addresses;

  it('stores what it answers', async () => {
    compute.instances.set('vm', { project: 'demo', addresses: ['10.0.0.7'] });
    await claim('vm', 'none');
    await asked(2);
    expect(await list()).toEqual(['10.0.0.7']);
    expect(outcomes).toEqual(['claim answered', 'claim answered']);
  });

  it('goes through more than can be asked at once', async () => {
    const ids = Array.from({ length: 30 }, (_, index) => `vm-${index}`);
    let most = 0;
    let now = 0;
    compute.before = async () => {
      now += 1;
      most = Math.max(most, now);
      await new Promise((resolve) => setImmediate(resolve));
      now -= 1;
    };
    for (const [index, id] of ids.entries())
      compute.instances.set(id, { project: 'demo', addresses: [`10.0.0.${index + 1}`] });
    await claim(...ids);
    await asked(30);
    expect(await list()).toHaveLength(30);
    expect(most).toBeLessThanOrEqual(8);
  });

  it('while it is away asks again after 10 s, 20 s and then every 30 s', async () => {
    compute.away = true;
    await claim('vm');
    await asked(1);
    for (const [seconds, count] of [
      [10, 2],
      [20, 3],
      [30, 4],
      [30, 5],
    ] as const) {
      const settled = async () => {
        const due = await stores.questions.nextDue();
        return due && due.getTime() - stores.clock.now().getTime() === seconds * SECOND;
      };
      while (!(await settled())) await new Promise((resolve) => setImmediate(resolve));
      compute.asked.length = 0;
      stores.clock.advance(seconds * SECOND);
      questions.wake();
      await asked(count);
      expect(compute.asked).toEqual(['vm']);
    }
    expect(await list()).toEqual([]);
    expect(new Set(outcomes)).toEqual(new Set(['claim unanswered']));
  });
});
