import { TerminalError } from '../ports/driver';
import type { Claim } from '../ports/work-store';
import { type Database, within } from './database';

/**
 * Gives a filesystem a number of its backend that nobody has: neither a row, retired ones included, nor the backend itself,
 * which may know more than a database that was restored (docs/architecture.md, rule 12).
 * @returns null when the lease is lost
 * @throws TerminalError when there is none left
 */
export async function assignNumber(
  database: Database,
  { filesystemId, leaseToken, backend }: Claim,
  taken: ReadonlySet<number>,
  largest: number,
): Promise<number | null> {
  return database.transaction(async (trx) => {
    const querier = within(trx);
    // one at a time a backend
    await querier.query('select 1 from backends where name = $1 for no key update', [backend]);
    const rows = await querier.query<{ number: number }>(
      'select number from filesystems where backend = $1 and number is not null',
      [backend],
    );
    const number = freeNumber(new Set([...taken, ...rows.map((row) => row.number)]), largest);
    if (number === null)
      throw new TerminalError(
        `The backend has all of its ${largest} numbers in use: delete filesystems, or use another backend.`,
      );
    const held = await querier.query(
      'update filesystems set number = $3 where id = $1 and lease_token = $2 returning id',
      [filesystemId, leaseToken, number],
    );
    return held.length > 0 ? number : null;
  });
}

/** Above all of them; where there is none, the lowest of the others. */
function freeNumber(taken: ReadonlySet<number>, largest: number): number | null {
  let above = 1;
  for (const each of taken) if (each >= above) above = each + 1;
  if (above <= largest) return above;
  for (let number = 1; number <= largest; number += 1) if (!taken.has(number)) return number;
  return null;
}
