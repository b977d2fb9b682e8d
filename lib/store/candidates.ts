import type { Candidate } from '../domain/placement';
import type { Querier } from './database';
import { isRecentSql, servedSince } from './servings';

interface CandidateRow {
  readonly name: string;
  readonly isolation: 'file-system' | 'none' | null;
  readonly is_up: boolean;
  readonly room: string | null;
}

/**
 * What is known of backends when a filesystem is made; of those that were never served nothing. What was promised since the
 * room was told counts in full: many made at once do not all go to the one that had most room before.
 */
export async function readCandidates(
  querier: Querier,
  names: readonly string[],
  now: Date,
): Promise<readonly Candidate[]> {
  const rows = await querier.query<CandidateRow & Record<string, unknown>>(
    `select b.name, b.isolation,
       exists (select from backend_reconcilers r where r.backend = b.name and ${isRecentSql('$2')} and r.state = 'up') as is_up,
       b.room_free_bytes - b.room_promised_bytes - coalesce((
         select sum(f.size_bytes) from filesystems f where f.backend = b.name and f.created > b.room_told
       ), 0) as room
     from backends b where b.name = any($1::text[])`,
    [names, servedSince(now)],
  );
  return rows.map(({ name, isolation, is_up: isUp, room }) => ({
    name,
    isolates: isolation === null ? null : isolation === 'file-system',
    isUp,
    roomBytes: room === null ? null : BigInt(room),
  }));
}
