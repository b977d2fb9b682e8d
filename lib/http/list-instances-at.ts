import { InvalidInput } from '../domain/errors';
import type { ListInstancesQuery } from '../generated/list-instances-query';
import type { FormerAccess } from '../ports/access-log-store';
import type { Answer, Call } from './call';
import { pageBody, pageLimit } from './paging';
import { readMoment } from './query';
import type { HttpServices } from './services';
import { findVisible } from './show-filesystem';

const DAY_MILLISECONDS = 24 * 3_600_000;

/**
 * `GET /os-filesystem/{name}/instances?at=`: who was let in at that time, by the access log (docs/api.md, "Access log").
 * @throws InvalidInput, NotFound
 */
export async function listInstancesAt(
  services: HttpServices,
  call: Call,
  at: string,
  { status, marker, limit: asked }: Omit<ListInstancesQuery, 'at'>,
): Promise<Answer> {
  if (status !== undefined)
    throw new InvalidInput('`status` cannot stand beside `at`: the log knows who was let in, and nothing else.');
  const time = readTime(services, at);
  const { filesystem } = await findVisible(services, call, 'access_log');
  const limit = pageLimit(asked, services.maxLimit);
  const rows = await services.accessLog.at(filesystem.id, call.caller, time, { marker, limit: limit + 1 });
  return { status: 200, body: pageBody('instance_entries', rows, limit, markerOf, view, call) };
}

function readTime({ clock, accessLogRetentionDays: days }: HttpServices, at: string): Date {
  const time = readMoment('at', at, 'down');
  const now = clock.now();
  if (time > now) throw new InvalidInput(`\`at\` is in the future: it is ${now.toISOString()} now.`);
  const oldest = new Date(now.getTime() - days * DAY_MILLISECONDS);
  if (time < oldest)
    throw new InvalidInput(
      `\`at\` is before what the access log tells: it goes back ${days} days, to ${oldest.toISOString()}.`,
    );
  return time;
}

function markerOf({ instanceId }: FormerAccess): string {
  return instanceId;
}

function view({ instanceId, addresses }: FormerAccess): object {
  return { id: instanceId, addresses };
}
