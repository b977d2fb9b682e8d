import { Conflict, NotFound } from '../domain/errors';
import type { Driver } from '../ports/driver';
import type { OrphanStore } from '../ports/orphan-store';

/**
 * Allows one new, empty volume in the place of one that is lost for good: the next run makes it. Only where a run has found it
 * lost, and nothing of it is on the backend. The storage is the backend's own: the caller has looked.
 * @throws NotFound, Conflict
 */
export async function recreate(id: string, store: OrphanStore, driver: Driver, signal: AbortSignal): Promise<void> {
  const row = await store.row(id);
  if (!row || row.retired) throw new NotFound(`No filesystem has the id ${id}.`);
  if (row.deletionWanted) throw new Conflict(`"${row.name}" is being deleted: there is nothing to make anew.`);
  if (!row.lost)
    throw new Conflict(
      `No run has found the volume of "${row.name}" lost: its status and fault say what is wrong with it.`,
    );
  const found = (await driver.volumes(signal)).find((each) => each.id === id);
  if (found?.retired)
    throw new Conflict(
      `The volume of "${row.name}" is set aside on its backend: "adopt ${id}" puts it back into service.`,
    );
  if (found)
    throw new Conflict(`The volume of "${row.name}" is on its backend: "adopt ${id}" has it looked for again.`);
  if (!(await store.recreate(id))) throw new Conflict(`Somebody works on "${row.name}": look at it again.`);
}
