import type { AccessLogEntry, AccessLogQuery, AccessLogStore, FormerAccess } from '../ports/access-log-store';
import type { Cause, Viewer } from '../ports/viewer';
import { atStatement, listStatement, PRUNE } from './access-log-queries';
import type { Database } from './database';

/** Rows, or instances, that one statement looks at: each is short, however long the log is. */
const STEP = 1_000;

interface LogRow {
  readonly id: string;
  readonly time: Date;
  readonly instance_id: string | null;
  readonly address: string;
  readonly granted: boolean;
  readonly cause: Cause | null;
  readonly revision: string;
}

/** The access log in Postgres. Rows are written by `settleAccess`. */
export class PostgresAccessLog implements AccessLogStore {
  constructor(private readonly database: Database) {}

  async list(filesystemId: string, viewer: Viewer, query: AccessLogQuery): Promise<readonly AccessLogEntry[]> {
    const { text, values } = listStatement(filesystemId, visibleProject(viewer), query);
    const rows = await this.database.query<LogRow & Record<string, unknown>>(text, values);
    return rows.map(({ id, time, instance_id: instanceId, address, granted, cause, revision }) => ({
      id: BigInt(id),
      time,
      instanceId,
      address,
      granted,
      cause,
      revision: BigInt(revision),
    }));
  }

  async at(
    filesystemId: string,
    viewer: Viewer,
    time: Date,
    { marker = '', limit }: { readonly marker?: string | undefined; readonly limit: number },
  ): Promise<readonly FormerAccess[]> {
    const found: FormerAccess[] = [];
    for (let position = marker; ; ) {
      const { text, values } = atStatement(filesystemId, visibleProject(viewer), time, position, STEP);
      const rows = await this.database.query<{ instance_id: string; addresses: readonly string[] }>(text, values);
      for (const { instance_id: instanceId, addresses } of rows)
        if (addresses.length > 0) found.push({ instanceId, addresses });
      const last = rows.at(-1);
      if (!last || rows.length < STEP || found.length >= limit) return found.slice(0, limit);
      position = last.instance_id;
    }
  }

  async prune(before: Date, signal: AbortSignal): Promise<number> {
    let pruned = 0;
    let position = '0';
    while (!signal.aborted) {
      const [step] = await this.database.query<{ position: string | null; old: string; gone: string }>(PRUNE, [
        position,
        before,
        STEP,
      ]);
      pruned += Number(step?.gone ?? 0);
      // rows stand in the order of time, give or take clocks: behind a step of new ones nothing is old
      if (!step?.position || step.old === '0') break;
      position = step.position;
    }
    return pruned;
  }
}

/** An instance of another project is none of a member's business, whoever owns the filesystem (docs/api.md, "Access log"). */
function visibleProject({ isAdmin, projectId }: Viewer): string | null {
  return isAdmin ? null : projectId;
}
