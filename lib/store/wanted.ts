import type { AccessEntry } from '../domain/access-difference';
import type { CountingRule } from '../domain/address';
import type { Claim, Wanted } from '../ports/work-store';
import type { Querier } from './database';
import { entitledPairsSql, type PreparedStatement, prepared } from './entitlement';
import { type FilesystemTableRow, filesystemColumns, toFilesystem } from './rows';

type WantedRow = FilesystemTableRow & {
  readonly retired: Date | null;
  readonly restoring: boolean;
  readonly volume_confirmed: boolean;
  readonly cause: string | null;
  readonly behind_since: Date | null;
  /** A line a pair, `address instance`, and behind it ` !` where the address is in dispute, ` +` where the instance has too many. */
  readonly pairs: string | null;
  /** A line an entry, `address instance`. */
  readonly entries: string | null;
  /** Addresses that were refused before or in dispute, the longest since first. */
  readonly faulted: readonly string[] | null;
};

/**
 * The statement that reads what should hold and what was last confirmed. One statement sees one snapshot, so that a list is
 * always that of one committed revision (docs/architecture.md, rule 3).
 */
export function wantedStatement(rule: CountingRule): PreparedStatement {
  return prepared(
    'wanted',
    `select ${filesystemColumns('f')}, f.retired, f.restoring, f.cause, f.behind_since,
       f.volume_fingerprint is not distinct from
         (select b.fingerprint from backends b where b.name = f.backend) as volume_confirmed,
       case when f.deletion_wanted is null then ${entitledPairsSql(rule)} end as pairs,
       (select string_agg(host(e.address) || ' ' || e.instance_id, E'\\n') from access_entries e
        where e.filesystem_id = f.id) as entries,
       (select array_agg(host(x.address) order by x.created, x.address) from access_faults x
        where x.filesystem_id = f.id) as faulted
     from filesystems f where f.id = $1 and f.lease_token = $2`,
  );
}

/** @returns null when the lease is lost */
export async function readWanted(
  querier: Querier,
  now: Date,
  { text, name }: PreparedStatement,
  { filesystemId, leaseToken }: Pick<Claim, 'filesystemId' | 'leaseToken'>,
): Promise<Wanted | null> {
  const [row] = await querier.query<WantedRow>(text, [filesystemId, leaseToken], name);
  if (!row) return null;
  const filesystem = toFilesystem(row);
  const disputed = new Set<string>();
  const surplus = new Set<string>();
  const addresses = new Set<string>();
  const claims: AccessEntry[] = [];
  for (const line of lines(row.pairs)) {
    const entry = toEntry(line);
    if (line.endsWith(' !')) disputed.add(entry.address);
    else if (line.endsWith(' +')) surplus.add(entry.address);
    else {
      addresses.add(entry.address);
      claims.push(entry);
    }
  }
  return {
    filesystem,
    retired: row.retired !== null,
    restoring: row.restoring,
    volumeConfirmed: row.volume_confirmed,
    access: {
      addresses: [...addresses],
      revision: filesystem.desiredRevision,
      ...(row.faulted && { waiting: row.faulted.filter((address) => addresses.has(address)) }),
    },
    claims,
    // one claim of it may be doubted, and another one not
    disputed: [...disputed].filter((address) => !addresses.has(address)),
    surplus: [...surplus].filter((address) => !addresses.has(address) && !disputed.has(address)),
    entries: lines(row.entries).map(toEntry),
    cause: row.cause,
    behindSince: row.behind_since,
    readAt: now,
  };
}

function lines(text: string | null): readonly string[] {
  return text === null ? [] : text.split('\n');
}

/** `address instance`, and perhaps a mark. By hand: lists have ten thousand lines. */
function toEntry(line: string): AccessEntry {
  const space = line.indexOf(' ');
  const next = line.indexOf(' ', space + 1);
  return { address: line.slice(0, space), instanceId: next < 0 ? line.slice(space + 1) : line.slice(space + 1, next) };
}
