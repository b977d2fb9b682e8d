import { Unavailable } from '../../lib/domain/errors';
import { aFilesystem, freshStores, type Stores } from '../support/stores';
import { wholeDatabase } from '../support/whole-database';

describe('the database', () => {
  let stores: Stores;
  beforeAll(async () => {
    stores = await freshStores();
  });
  afterAll(() => stores.close());

  describe('in a rehearsal', () => {
    it('keeps nothing, and tells what was found out', async () => {
      const before = await wholeDatabase(stores.database);
      const found = await stores.database.rehearsal(async (trx) => {
        await trx('filesystems').delete();
        await trx('deployment').update({ resync_message: 'x' });
        return trx('filesystems').count();
      });
      expect(found).toEqual([{ count: '0' }]);
      expect(await wholeDatabase(stores.database)).toEqual(before);
    });

    it('begins again after a serialization failure', async () => {
      let attempts = 0;
      await stores.database.rehearsal(async () => {
        attempts += 1;
        if (attempts < 3) throw Object.assign(new Error('could not serialize access'), { code: '40001' });
      });
      expect(attempts).toBe(3);
    });

    it('gives its connection back, whatever became of it', async () => {
      for (let round = 0; round < 12; round += 1) {
        await stores.database.rehearsal(async () => round);
        await expect(stores.database.rehearsal((trx) => trx.raw('select 1 / 0'))).rejects.toThrow('division by zero');
      }
      const lost = stores.database.rehearsal(async (trx) => {
        const { rows } = await trx.raw<{ rows: { pid: number }[] }>('select pg_backend_pid() as pid');
        await stores.database.query('select pg_terminate_backend($1, 5000)', [rows[0]?.pid]);
        await trx.raw('select 1');
      });
      await expect(lost).rejects.toThrow(Unavailable);
      expect(await stores.database.rehearsal(async () => 'again')).toBe('again');
    });
  });

  it('reads one snapshot, whatever is committed meanwhile', async () => {
    const names = 'select name from filesystems order by name';
    await aFilesystem(stores, { name: 'first' });
    const seen = await stores.database.snapshot(async (snapshot) => {
      const before = await snapshot.query(names, []);
      await aFilesystem(stores, { name: 'second' });
      return [before, await snapshot.query(names, [], 'names')];
    });
    expect(seen).toEqual([[{ name: 'first' }], [{ name: 'first' }]]);
    expect(await stores.database.query(names, [])).toEqual([{ name: 'first' }, { name: 'second' }]);
  });
});
