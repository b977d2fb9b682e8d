/** The cause in the access log of what a backend was found to let in, or not to, though nobody of us had changed it. */
export const DRIFT = 'drift';

/**
 * The addresses that a filesystem's backend was found to let in and no instance of ours had, as far as nobody has seen them
 * gone: their last row in the access log is a grant.
 * @param filesystem an id in SQL
 */
export function foreignAccessSql(filesystem: string): string {
  return `
    select latest.address from (
      select distinct on (l.address) l.address, l.granted from access_log l
      where l.filesystem_id = ${filesystem} and l.instance_id is null
      order by l.address, l.id desc
    ) as latest where latest.granted`;
}
