import { type ComputeState, EMPTY_CLOUD } from '../support/compute/state';
import { eventually } from '../support/eventually';
import { FollowedWorld } from '../support/followed-world';

const STEADY = 12;
/** How often the list is compared while Compute is in trouble. */
const COMPARISONS = 2;
/** Compute is asked about one instance once in 10 s. */
const RIGHT_MILLISECONDS = 30_000;

type Trouble = Partial<ComputeState>;

const TROUBLES: readonly (readonly [what: string, trouble: (ids: readonly string[]) => Trouble])[] = [
  ['its list has not all of them', (ids) => ({ partial: ids.filter((_, index) => index % 2 === 0) })],
  ['its list is empty', (ids) => ({ partial: ids })],
  ['the second page of its list fails', () => ({ maxLimit: 5, failingPages: { 2: 500 } })],
  ['a cell is down', (ids) => ({ unknownCells: ids.slice(0, STEADY / 2) })],
  ['all cells are down', (ids) => ({ unknownCells: ids })],
  ['it says 404 for everything', () => ({ failing: { '/servers/{id}': 404, '/servers/detail': 404 } })],
  ['it fails', () => ({ failing: { '/servers/{id}': 500, '/servers/detail': 503, '/os-services': 500 } })],
  ['something else answers in its place', () => ({ wrong: 'html' })],
  ['its answers end too soon', () => ({ wrong: 'truncated' })],
  ['it is away', () => ({ away: true })],
  ['it does not accept the token', () => ({ tokens: {} })],
  ['the token is not an administrator any more', () => ({ tokens: { 'admin-token': { project: 'x', admin: false } } })],
];

/** What is so without trouble. */
const WELL: Trouble = {
  tokens: EMPTY_CLOUD.tokens,
  partial: [],
  unknownCells: [],
  maxLimit: undefined,
  failingPages: undefined,
  failing: undefined,
  wrong: undefined,
  away: undefined,
};

describe('with notifications of one format, and Compute in trouble', () => {
  let worlds: readonly FollowedWorld[] = [];
  beforeAll(async () => {
    worlds = await Promise.all([FollowedWorld.make('versioned', STEADY), FollowedWorld.make('legacy', STEADY)]);
  }, 60_000);
  afterAll(async () => {
    await Promise.all(worlds.map((world) => world.stop()));
  }, 60_000);

  const suffer = async (world: FollowedWorld, trouble: (ids: readonly string[]) => Trouble): Promise<number> => {
    const told = await world.create(true);
    const silent = await world.create(false);
    await eventually(() => world.wrong, RIGHT_MILLISECONDS);

    world.compute.set(trouble(world.ids));
    const before = await world.comparisons();
    // what is told still holds
    const another = await world.create(true);
    await world.delete(told, true);
    await eventually(() => (world.isLetIn(another) && !world.isLetIn(told) ? null : `${world.format}: not as told`));
    // what is lost comes in the end
    await world.delete(silent, false);
    await world.create(false);
    await eventually(async () => {
      const made = (await world.comparisons()) - before;
      return made >= COMPARISONS ? null : `${made} comparisons with Compute's list`;
    });

    world.compute.set(WELL);
    return eventually(() => world.wrong, RIGHT_MILLISECONDS);
  };

  it.each(TROUBLES)('no access is lost while %s, and what was not told is right in the end', async (what, trouble) => {
    const times = await Promise.all(worlds.map((world) => suffer(world, trouble)));
    console.info(`${what}: right after ${times.map(Math.round).join(' and ')} ms`);
    expect(worlds.flatMap(({ lost }) => [...lost])).toEqual([]);
  });
});
