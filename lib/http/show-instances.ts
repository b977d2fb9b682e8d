import { NotFound } from '../domain/errors';
import { isInstanceId } from '../domain/name';
import type { Handler } from './call';
import { explainInstance } from './explain-instance';
import { listInstancesAt } from './list-instances-at';
import { pageBody, pageLimit } from './paging';
import { isTrue } from './query';
import { findVisible } from './show-filesystem';
import { checkListInstancesQuery, checkShowInstanceQuery } from './validation';
import { instanceEntry } from './views';

/** `GET /os-filesystem/{name}/instances`: ids, each once; with `at` those of then. @throws InvalidInput, NotFound */
export const listInstances: Handler = async (services, call) => {
  const query = checkListInstancesQuery(call.query);
  if (query.at !== undefined) return listInstancesAt(services, call, query.at, query);
  const { status, marker, limit: asked } = query;
  const { filesystem } = await findVisible(services, call);
  const limit = pageLimit(asked, services.maxLimit);
  const ids = await services.filesystems.listInstances(filesystem, call.caller, { status, marker, limit: limit + 1 });
  return {
    status: 200,
    body: pageBody(
      'instance_entries',
      ids,
      limit,
      (id) => id,
      (id) => ({ id }),
      call,
    ),
  };
};

/** `GET /os-filesystem/{name}/instances/{id}`. @throws InvalidInput, NotFound saying which of the two there is not */
export const showInstance: Handler = async (services, call) => {
  const { explain } = checkShowInstanceQuery(call.query);
  if (isTrue(explain) && isInstanceId(call.id)) {
    const answer = await explainInstance(services, call);
    if (!answer) throw noInstance();
    return answer;
  }
  const { filesystem } = await findVisible(services, call);
  const entry = isInstanceId(call.id)
    ? await services.filesystems.findInstance(filesystem, call.id, call.caller)
    : null;
  if (!entry) throw noInstance();
  return { status: 200, body: { instance_entry: instanceEntry(entry, call.caller) } };
};

/** None, or none that the caller may know of. */
export function noInstance(): NotFound {
  return new NotFound('Instance could not be found.');
}
