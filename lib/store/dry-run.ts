import { accessDifference } from '../domain/access-difference';
import type { ForetoldAccess } from '../ports/filesystem-store';
import type { Querier } from './database';
import type { PreparedStatement } from './entitlement';
import { readWanted } from './wanted';

/**
 * What the next run of the reconciler would change, were the transaction committed: by the statement that it reads, and the
 * difference that it writes. The caller's transaction holds the filesystem's row, so that nobody claims it meanwhile.
 * @throws Error when there is no such filesystem
 */
export async function foretell(
  querier: Querier,
  now: Date,
  statement: PreparedStatement,
  filesystemId: string,
): Promise<ForetoldAccess> {
  const [row] = await querier.query<{ lease_token: string }>('select lease_token from filesystems where id = $1', [
    filesystemId,
  ]);
  const leaseToken = BigInt(row?.lease_token ?? 0);
  const wanted = await readWanted(querier, now, statement, { filesystemId, leaseToken });
  if (!wanted) throw new Error('the filesystem went while its row was held');
  const { granted, withdrawn } = accessDifference(wanted.claims, wanted.entries);
  const projects = await projectsOf(
    querier,
    [...granted, ...withdrawn].map(({ instanceId }) => instanceId),
  );
  const withProject = (entry: { readonly instanceId: string; readonly address: string }) => ({
    ...entry,
    project: projects.get(entry.instanceId) ?? null,
  });
  return { granted: granted.map(withProject), withdrawn: withdrawn.map(withProject) };
}

async function projectsOf(querier: Querier, ids: readonly string[]): Promise<ReadonlyMap<string, string | null>> {
  if (ids.length === 0) return new Map();
  const rows = await querier.query<{ id: string; project: string | null }>(
    'select id, project from instances where id = any($1::text[])',
    [[...new Set(ids)]],
  );
  return new Map(rows.map(({ id, project }) => [id, project]));
}
