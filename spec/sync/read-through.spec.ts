import { Unavailable } from '../../lib/domain/errors';
import type { Observation } from '../../lib/domain/instance';
import { ReadThrough } from '../../lib/sync/read-through';
import { HandClock } from '../support/hand-clock';
import { InMemoryCompute } from '../support/in-memory-compute';

describe('looking up an instance', () => {
  const setup = () => {
    const clock = new HandClock();
    const compute = new InMemoryCompute(clock);
    const known = new Map<string, Observation>();
    const directory = {
      isKnown: async (id: string) => known.has(id),
      apply: async (observations: readonly Observation[]) => {
        for (const each of observations) known.set(each.instanceId, each);
        return [];
      },
    };
    return { clock, compute, known, readThrough: new ReadThrough(compute, directory, clock) };
  };

  it('brings what Compute says into the directory', async () => {
    const { compute, known, readThrough } = setup();
    compute.instances.set('vm', { project: 'demo', addresses: ['10.0.0.1'] });
    await readThrough.lookUp('vm', 'demo');
    expect(known.get('vm')).toMatchObject({ project: 'demo', state: 'live', source: 'compute' });
    await readThrough.lookUp('vm', 'demo');
    expect(compute.asked).toEqual(['vm']);
  });

  it('is one question, however many ask', async () => {
    const { compute, readThrough } = setup();
    compute.instances.set('vm', { project: 'demo' });
    await Promise.all(Array.from({ length: 20 }, () => readThrough.lookUp('vm', 'demo')));
    expect(compute.asked).toEqual(['vm']);
  });

  it('keeps for 10 s that there is none, and leaves no trace of it', async () => {
    const { clock, compute, known, readThrough } = setup();
    await readThrough.lookUp('none', 'demo');
    await readThrough.lookUp('none', 'demo');
    expect(compute.asked).toEqual(['none']);
    clock.advance(10_000);
    await readThrough.lookUp('none', 'demo');
    expect(compute.asked).toEqual(['none', 'none']);
    expect(known.size).toBe(0);
  });

  it('is unavailable when Compute is away, or takes more than 2 s', async () => {
    const { clock, compute, readThrough } = setup();
    compute.away = true;
    await expect(readThrough.lookUp('vm', 'demo')).rejects.toThrow(Unavailable);
    compute.away = false;
    let goOn = () => {};
    compute.before = () =>
      new Promise((resolve) => {
        goOn = resolve;
      });
    const slow = readThrough.lookUp('vm', 'demo').catch(String);
    while (compute.asked.length < 2) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(2_000);
    await new Promise((resolve) => setImmediate(resolve));
    goOn();
    expect(await slow).toMatch(/did not answer in time/);
  });

  it('asks about 16 at once, not more: tenants choose the ids', async () => {
    const { compute, readThrough } = setup();
    let goOn = () => {};
    const open = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    compute.before = () => open;
    const all = Array.from({ length: 17 }, (_, index) => readThrough.lookUp(`vm-${index}`, `project-${index % 5}`));
    const outcomes = Promise.allSettled(all);
    goOn();
    const refused = (await outcomes).flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
    expect(refused).toEqual([expect.any(Unavailable)]);
  });

  it('asks about four at once for one project', async () => {
    const { compute, readThrough } = setup();
    let goOn = () => {};
    const open = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    compute.before = () => open;
    const all = Array.from({ length: 6 }, (_, index) => readThrough.lookUp(`vm-${index}`, 'demo'));
    const other = readThrough.lookUp('vm-other', 'another');
    const outcomes = Promise.allSettled(all);
    goOn();
    expect((await outcomes).filter(({ status }) => status === 'rejected')).toHaveLength(2);
    await other;
  });
});
