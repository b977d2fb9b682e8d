import type { Database } from '../../lib/store/database';

/** Every row of every table as text, by table: two of them are equal when nothing was changed in between. */
export async function wholeDatabase(database: Database): Promise<Readonly<Record<string, readonly string[]>>> {
  const tables = await database.query<{ name: string }>(
    'select quote_ident(tablename) as name from pg_tables where schemaname = $1 order by 1',
    [database.schema],
  );
  const rows: Record<string, readonly string[]> = {};
  for (const { name } of tables)
    rows[name] = (await database.query<{ line: string }>(`select t::text as line from ${name} t order by 1`, [])).map(
      ({ line }) => line,
    );
  return rows;
}
