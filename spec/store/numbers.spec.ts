import { TerminalError } from '../../lib/ports/driver';
import type { Claim } from '../../lib/ports/work-store';
import { upTo } from '../support/settle';
import { aFilesystem, BACKEND, freshStores, type Stores, storesOver } from '../support/stores';

const NOTHING: ReadonlySet<number> = new Set();

describe('assignNumber', () => {
  let stores: Stores;
  beforeEach(async () => {
    stores = await freshStores();
  });
  afterEach(() => stores.close());

  const claims = async (count: number): Promise<readonly Claim[]> => {
    for (let made = 0; made < count; made += 1) await aFilesystem(stores);
    return stores.work.claim(BACKEND, upTo(count));
  };
  const assign = (claim: Claim | undefined, taken = NOTHING, largest = 65_535, work = stores.work) => {
    if (!claim) throw new Error('nothing was due');
    return work.assignNumber(claim, taken, largest);
  };
  const setNumber = (claim: Claim | undefined, number: number) =>
    stores.database.query('update filesystems set number = $2 where id = $1', [claim?.filesystemId, number]);

  it('gives one above all that rows have, retired ones too, and the backend knows', async () => {
    const [first, second, third, retired] = await claims(4);
    expect(await assign(first)).toBe(1);
    await setNumber(retired, 7);
    await stores.database.query('update filesystems set deletion_wanted = now(), retired = now() where id = $1', [
      retired?.filesystemId,
    ]);
    expect(await assign(second)).toBe(8);
    // what a restored database does not know of: orphans' numbers, and those of others
    expect(await assign(third, new Set([3, 40]))).toBe(41);
  });

  it('gives the lowest that nobody has where there is none left above', async () => {
    const [first, second, third] = await claims(3);
    await setNumber(first, 5);
    expect(await assign(second, new Set([1, 3]), 5)).toBe(2);
    expect(await assign(third, new Set([1, 3]), 5)).toBe(4);
  });

  it('says that there is none left, and what to do', async () => {
    const [first] = await claims(1);
    await expect(assign(first, new Set([1, 2, 3]), 3)).rejects.toThrow(TerminalError);
    await expect(assign(first, new Set([1, 2, 3]), 3)).rejects.toThrow(
      /all of its 3 numbers in use: delete filesystems/,
    );
  });

  it('minds no number of another backend', async () => {
    const [first, elsewhere] = await claims(2);
    await setNumber(elsewhere, 9);
    await stores.database.query(`update filesystems set backend = 'elsewhere' where id = $1`, [
      elsewhere?.filesystemId,
    ]);
    expect(await assign(first)).toBe(1);
  });

  it('gives each its own when several processes ask at once', async () => {
    const all = await claims(12);
    const processes = [stores, ...[1, 2].map(() => storesOver(stores.url, stores.clock))];
    const numbers = await Promise.all(
      all.map((claim, index) => assign(claim, new Set([100]), 65_535, processes[index % 3]?.work)),
    );
    await Promise.all(processes.slice(1).map(({ database }) => database.close()));
    expect(numbers.toSorted((one, other) => (one ?? 0) - (other ?? 0))).toEqual(all.map((_, index) => 101 + index));
  });

  it('waits for whoever gives out one of the same backend, and sees it', async () => {
    const [first, second] = await claims(2);
    let isGiven = false;
    let assigned: Promise<number | null> = Promise.resolve(null);
    await stores.database.transaction(async (trx) => {
      await trx.raw('select 1 from backends where name = ? for no key update', [BACKEND.name]);
      await trx('filesystems').where({ id: first?.filesystemId }).update({ number: 1 });
      assigned = assign(second).finally(() => {
        isGiven = true;
      });
      // as soon as it waits for the row
      for (let waiting = 0; waiting === 0; ) {
        const rows = await stores.database.query<{ waiting: number }>(
          `select count(*)::integer as waiting from pg_stat_activity
           where datname = current_database() and wait_event_type = 'Lock'`,
          [],
        );
        waiting = rows[0]?.waiting ?? 0;
      }
      expect(isGiven).toBe(false);
    });
    expect(await assigned).toBe(2);
  });

  it('gives none where the lease is lost', async () => {
    const [first] = await claims(1);
    if (!first) throw new Error('nothing was due');
    expect(await assign({ ...first, leaseToken: first.leaseToken + 1n })).toBeNull();
    expect(await stores.database.query('select 1 from filesystems where number is not null', [])).toEqual([]);
  });
});
