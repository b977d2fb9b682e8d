import { parseAddress } from '../domain/address';
import { InvalidInput } from '../domain/errors';
import type { AccessLogEntry, AccessLogPosition, AccessLogQuery } from '../ports/access-log-store';
import type { Call, Handler } from './call';
import { pageBody, pageLimit } from './paging';
import { readMoment } from './query';
import { findVisible } from './show-filesystem';
import { checkListAccessLogQuery } from './validation';
import { accessLogEntry } from './views';

/**
 * `GET /os-filesystem/{name}/access-log`: who was let in and out, the oldest first (docs/api.md, "Access log").
 * @throws InvalidInput, NotFound
 */
export const listAccessLog: Handler = async (services, call) => {
  const { caller } = call;
  const wanted = readQuery(call.query, services.maxLimit);
  const { filesystem } = await findVisible(services, call, 'access_log');
  const { limit } = wanted;
  const rows = await services.accessLog.list(filesystem.id, caller, { ...wanted, limit: limit + 1 });
  const view = (entry: AccessLogEntry): object => accessLogEntry(entry, caller);
  return { status: 200, body: pageBody('access_log', rows, limit, markerOf, view, call) };
};

function readQuery(query: Call['query'], maxLimit: number): AccessLogQuery {
  const { limit, marker, since, until, instance, address } = checkListAccessLogQuery(query);
  const wanted = {
    limit: pageLimit(limit, maxLimit),
    instanceId: instance,
    // up: rows have milliseconds, and `since` is in while `until` is out
    since: since === undefined ? undefined : readMoment('since', since, 'up'),
    until: until === undefined ? undefined : readMoment('until', until, 'up'),
    address: address === undefined ? undefined : readAddress(address),
    marker: marker === undefined ? undefined : readMarker(marker),
  };
  if (wanted.since && wanted.until && wanted.until < wanted.since)
    throw new InvalidInput('`until` is before `since`: there is nothing between them.');
  return wanted;
}

function readAddress(text: string): string {
  const address = parseAddress(text);
  if (address === null) throw new InvalidInput('`address` must be one IPv4 or IPv6 address.');
  return address;
}

/** `<milliseconds>-<id>`. */
function markerOf({ time, id }: AccessLogPosition): string {
  return `${time.getTime()}-${id}`;
}

function readMarker(marker: string): AccessLogPosition {
  const [milliseconds, id = ''] = marker.split('-');
  return { time: new Date(Number(milliseconds)), id: BigInt(id) };
}
