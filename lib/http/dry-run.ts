import { type AccessEntry, inAddressOrder } from '../domain/access-difference';
import type { Filesystem } from '../domain/filesystem';
import { type Caller, seesInstancesOf } from '../domain/permission';
import type { FilesystemTransaction } from '../ports/filesystem-store';
import type { Answer, Call } from './call';
import { isTrue } from './query';
import type { HttpServices } from './services';
import { checkChangeFilesystemQuery } from './validation';

/** How many entries of each kind are shown; all are counted. */
const MOST_ENTRIES = 1_000;

/** Whether a PUT or DELETE is to change nothing. @throws InvalidInput */
export function isDryRun({ query }: Pick<Call, 'query'>): boolean {
  return isTrue(checkChangeFilesystemQuery(query).dry_run);
}

/**
 * What a change would do to who is let in (docs/api.md, "Dry run"). Nothing of it stays, and nobody is woken.
 * @param change as the request without `dry_run` makes it: it throws what that would
 */
export async function dryRun(
  { filesystems }: Pick<HttpServices, 'filesystems'>,
  { requestId, caller }: Pick<Call, 'requestId' | 'caller'>,
  change: (tx: FilesystemTransaction) => Promise<Filesystem>,
): Promise<Answer> {
  const { granted, withdrawn } = await filesystems.foretell(requestId, async (tx) => (await change(tx)).id);
  return { status: 200, body: { dry_run: { added: foretold(granted, caller), removed: foretold(withdrawn, caller) } } };
}

/** Of the instances that the caller may see, in the counts too (docs/api.md, "Privacy"). */
function foretold(all: readonly (AccessEntry & { readonly project: string | null })[], caller: Caller): object {
  const seen = all.filter(({ project }) => seesInstancesOf(caller, project));
  return {
    addresses: new Set(seen.map(({ address }) => address)).size,
    instances: new Set(seen.map(({ instanceId }) => instanceId)).size,
    entries: inAddressOrder(seen)
      .slice(0, MOST_ENTRIES)
      .map(({ address, instanceId }) => ({ address, instance: instanceId })),
  };
}
