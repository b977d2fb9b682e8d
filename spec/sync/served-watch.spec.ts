import type { BackendServing } from '../../lib/ports/backend-store';
import { ServedWatch } from '../../lib/sync/served-watch';
import { HandClock } from '../support/hand-clock';

const aServing = (name: string, said: Partial<BackendServing> = {}): BackendServing => ({
  name,
  driver: 'nfs',
  lacks: [],
  isUsed: true,
  heartbeat: new Date('2026-11-24T12:00:00Z'),
  served: { state: 'up', message: null, version: '1.0.0' },
  ...said,
});
const NOBODY = { served: null };

describe('the watch over who serves the backends', () => {
  let log: string[];
  let served: Map<string, boolean>;

  /** Looks as often as `looks` has answers. */
  const watch = async (
    names: readonly string[],
    here: readonly string[],
    ...looks: (readonly BackendServing[] | Error)[]
  ) => {
    const stop = new AbortController();
    const clock = new HandClock();
    const said = (level: string) => (facts: { backend?: string }, message: string) =>
      log.push(`${level} ${facts.backend}: ${message}`);
    const logger = { debug: () => {}, info: said('info'), warn: said('warn'), error: said('error') };
    const metrics = { backendServed: (name: string, isServed: boolean) => void served.set(name, isServed) };
    const rest = [...looks];
    const servings = {
      servings: async () => {
        const known = rest.shift() ?? [];
        if (rest.length === 0) stop.abort();
        if (known instanceof Error) throw known;
        return known;
      },
    };
    const watched = new ServedWatch(servings, names, new Set(here), clock, logger, metrics);
    const ended = watched.run(stop.signal);
    while (!stop.signal.aborted) {
      clock.advance(5_000);
      await new Promise(setImmediate);
    }
    await ended;
    return watched;
  };
  beforeEach(() => {
    log = [];
    served = new Map();
  });

  it('says once that nobody serves a backend, and once that somebody does again', async () => {
    const unserved = [aServing('a', NOBODY), aServing('b')];
    const all = [aServing('a'), aServing('b')];
    await watch(['a', 'b'], [], all, unserved, unserved, all, all);
    expect(log).toEqual([
      'error a: no process serves a backend: its filesystems wait',
      'info a: a backend is served again',
    ]);
    expect(served).toEqual(
      new Map([
        ['a', true],
        ['b', true],
      ]),
    );
  });

  it('tells it in the status', async () => {
    const { status } = await watch(
      ['a', 'b', 'c', 'here'],
      ['here'],
      [aServing('a'), aServing('b', { served: { state: 'down', message: 'away', version: '1' } }), aServing('here')],
    );
    expect(status).toEqual([
      { name: 'a', driver: 'nfs', served: 'elsewhere', lacks: [], state: 'up', message: null },
      { name: 'b', driver: 'nfs', served: 'elsewhere', lacks: [], state: 'down', message: 'away' },
      {
        name: 'c',
        driver: null,
        served: 'elsewhere',
        lacks: [],
        state: 'unserved',
        message: expect.stringMatching(/^No process has ever served it/),
      },
    ]);
    expect(served.get('c')).toBe(false);
  });

  it('says since when nobody serves it', async () => {
    const { status } = await watch(['a'], [], [aServing('a', NOBODY)]);
    expect(status[0]).toMatchObject({ state: 'unserved', message: expect.stringMatching(/2026-11-24T12:00:00.000Z/) });
  });

  it('never doubts its own, whatever the database says', async () => {
    const { status } = await watch(['a'], ['a'], [aServing('a', NOBODY)]);
    expect([status, log, served]).toEqual([[], [], new Map([['a', true]])]);
  });

  it('says once that filesystems are on a backend that the configuration does not name', async () => {
    const known = [aServing('a'), aServing('old', NOBODY), aServing('empty', { isUsed: false, served: null })];
    const { status } = await watch(['a'], ['a'], known, known);
    expect(log.filter((line) => line.includes('configuration'))).toEqual([
      'error old: there are filesystems on a backend that is not in the configuration',
    ]);
    expect(status).toEqual([
      expect.objectContaining({ name: 'old', state: 'unserved', message: expect.stringMatching(/does not name it/) }),
    ]);
  });

  it('leaves all backends to others where it names none', async () => {
    const { status } = await watch([], [], [aServing('a')]);
    expect([status[0]?.message, log]).toEqual([null, []]);
  });

  it('raises no alarm while it cannot know, nor at the first look after that', async () => {
    const unserved = [aServing('a', NOBODY)];
    await watch(['a'], [], [aServing('a')], new Error('the database is away'), unserved, [aServing('a')]);
    expect(log).toEqual([]);
  });
});
