import type { CountingRule } from '../domain/address';
import type { Filesystem } from '../domain/filesystem';
import type { InstanceEntry, InstanceEntryStatus, InstanceQuery } from '../ports/filesystem-store';
import type { Viewer } from '../ports/viewer';
import type { Querier } from './database';
import { instancesStatement } from './filesystem-queries';

interface EntryRow {
  readonly id: string;
  readonly project: string | null;
  readonly status: InstanceEntryStatus;
  readonly addresses: readonly string[];
  readonly fault_message: string | null;
  readonly fault_created: Date | null;
}

/** Ids of the instances of a filesystem that the viewer may see, sorted in byte order. */
export async function listInstances(
  querier: Querier,
  rule: CountingRule,
  filesystem: Filesystem,
  viewer: Viewer,
  query: InstanceQuery,
): Promise<readonly string[]> {
  const rows = await readEntries(querier, rule, filesystem, viewer, { ...query, only: null });
  return rows.map(({ id }) => id);
}

/** One instance's entry, null when it has, had and should have no access, or the viewer may not see that it has. */
export async function findInstance(
  querier: Querier,
  rule: CountingRule,
  filesystem: Filesystem,
  instanceId: string,
  viewer: Viewer,
): Promise<InstanceEntry | null> {
  const [row] = await readEntries(querier, rule, filesystem, viewer, { limit: 1, only: instanceId });
  if (!row) return null;
  const { id, project, status, addresses, fault_message: message, fault_created: created } = row;
  return {
    id,
    project,
    status,
    addresses,
    automatic: filesystem.scope !== 'instance',
    fault: message === null || created === null ? null : { message, created },
  };
}

async function readEntries(
  querier: Querier,
  rule: CountingRule,
  filesystem: Filesystem,
  viewer: Viewer,
  query: InstanceQuery & { readonly only: string | null },
): Promise<readonly EntryRow[]> {
  const { text, values } = instancesStatement(rule, filesystem, visibleProject(filesystem, viewer), query);
  return querier.query<EntryRow & Record<string, unknown>>(text, values);
}

/** The owner of a filesystem of scope `instance` sees who is connected, whoever it is (docs/api.md, "Privacy"). */
function visibleProject({ scope, owner }: Filesystem, { isAdmin, projectId }: Viewer): string | null {
  return isAdmin || (scope === 'instance' && owner === projectId) ? null : projectId;
}
