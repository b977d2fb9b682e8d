import type { ClientBase } from 'pg';
import type { Filesystem, Scope } from '../domain/filesystem';
import type { AccessEntry, Claim, Wanted } from '../ports/store';
import type { Database } from './database';
import type { PreparedStatement } from './entitlement';
import { type FilesystemTableRow, filesystemColumns, toFilesystem } from './rows';

type EntitledStatements = Readonly<Record<Scope, PreparedStatement>>;

type WantedRow = FilesystemTableRow & {
  readonly retired: Date | null;
  readonly volume_confirmed: boolean;
  readonly cause: string | null;
  readonly behind_since: Date | null;
  /** A line an entry, `address instance`. */
  readonly entries: string | null;
};

/**
 * What should hold and what was last confirmed, in one snapshot (docs/architecture.md, rule 3): a list is always that of
 * one committed revision.
 * @returns null when the lease is lost
 */
export async function readWanted(
  database: Database,
  entitled: EntitledStatements,
  claim: Claim,
): Promise<Wanted | null> {
  return database.connection(async (connection) => {
    await connection.query('begin isolation level repeatable read read only');
    try {
      return await readSnapshot(connection, entitled, claim);
    } finally {
      await connection.query('commit');
    }
  });
}

async function readSnapshot(
  connection: ClientBase,
  entitled: EntitledStatements,
  claim: Claim,
): Promise<Wanted | null> {
  const {
    rows: [row],
  } = await connection.query<WantedRow>({
    name: 'wanted',
    text: `select ${filesystemColumns('f')}, f.retired, f.cause, f.behind_since,
             f.volume_fingerprint is not distinct from
               (select b.fingerprint from backends b where b.name = f.backend) as volume_confirmed,
             (select string_agg(host(e.address) || ' ' || e.instance_id, E'\\n') from access_entries e
              where e.filesystem_id = f.id) as entries
           from filesystems f where f.id = $1 and f.lease_token = $2`,
    values: [claim.filesystemId, claim.leaseToken],
  });
  if (!row) return null;
  const filesystem = toFilesystem(row);
  const pairs = filesystem.deletionWanted ? [] : await readPairs(connection, entitled, filesystem);
  const disputed = new Set(pairs.filter((pair) => pair.length > 2).map((pair) => toEntry(pair).address));
  const claims = pairs.filter((pair) => pair.length === 2).map(toEntry);
  const addresses = new Set(claims.map(({ address }) => address));
  return {
    filesystem,
    retired: row.retired !== null,
    volumeConfirmed: row.volume_confirmed,
    access: { addresses: [...addresses], revision: filesystem.desiredRevision },
    claims,
    disputed: [...disputed],
    entries: lines(row.entries).map(toEntry),
    cause: row.cause,
    behindSince: row.behind_since,
  };
}

async function readPairs(
  connection: ClientBase,
  entitled: EntitledStatements,
  { id, scope, project }: Pick<Filesystem, 'id' | 'scope' | 'project'>,
): Promise<string[][]> {
  const {
    rows: [row],
  } = await connection.query<{ pairs: string | null }>({
    ...entitled[scope],
    values: [id, project],
  });
  return lines(row?.pairs ?? null);
}

/** Words by line. */
function lines(text: string | null): string[][] {
  return text === null ? [] : text.split('\n').map((line) => line.split(' '));
}

function toEntry([address = '', instanceId = '']: readonly string[]): AccessEntry {
  return { address, instanceId };
}
