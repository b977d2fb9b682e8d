import { isFilesystemName } from '../domain/name';
import { authorize, seesInstancesOf } from '../domain/permission';
import type { Answer, Call } from './call';
import type { HttpServices } from './services';
import { explanationView, instanceEntry } from './views';

/**
 * `GET /os-filesystem/{name}/instances/{id}?explain=1`: why the instance has access or not, listed or not. Of the caller's
 * own instances only; an administrator is told of any, also of one that is not known (docs/api.md, "Explain").
 * @returns null when there is no such instance that the caller may know of
 * @throws NotFound when there is no such filesystem
 */
export async function explainInstance(
  { filesystems, policy }: HttpServices,
  { name, id, caller }: Call,
): Promise<Answer | null> {
  const found = isFilesystemName(name) ? await filesystems.explain(name, id, caller) : null;
  authorize(policy, caller, 'show', found?.filesystem ?? null);
  if (!found || !seesInstancesOf(caller, found.project)) return null;
  const { entry, explanation } = found;
  return {
    status: 200,
    body: {
      instance_entry: entry && instanceEntry(entry, caller),
      explanation: explanationView(explanation),
    },
  };
}
