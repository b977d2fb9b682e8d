import { type InstanceAddress, parseAddress, parseMac } from '../domain/address';
import { InvalidInput, Unavailable } from '../domain/errors';
import type { Observation } from '../domain/instance';
import { isInstanceId } from '../domain/name';
import type { ListingPage } from '../ports/cloud';
import { instanceIdIn, projectIn, textsIn, wholeList } from './instance-payload';
import { saidState } from './instance-state';
import { fieldOf, isJsonObject, type JsonObject } from './payload-fields';

/** What the Compute API says of one instance. */
export interface ServerReading {
  /** Null: that cannot be told either. */
  readonly instanceId: string | null;
  /** Null: nothing, since its cell is down, or it cannot be read. */
  readonly observation: Observation | null;
}

/** A page of Compute's list, and where the next one begins. */
export interface ServersReading {
  readonly page: ListingPage;
  /** The marker of the next page; null: this was the last. */
  readonly next: string | null;
}

/** The status of an instance whose cell is down (microversion 2.69), or whose state Nova itself does not understand. */
const UNKNOWN_STATUS = 'UNKNOWN';

/**
 * Reads what `GET /servers/{id}` and `/servers/detail` have of one instance. Its addresses have no network and no port:
 * the label in front of them is of the tenant's choice.
 * @param server the object under `server`, or a row of `servers`
 * @param time when it was asked for
 */
export function readServer(server: unknown, time: Date): ServerReading {
  if (!isJsonObject(server)) return { instanceId: null, observation: null };
  const instanceId = readable(() => instanceIdIn(server, 'id')) ?? null;
  if (instanceId === null || !tellsItsState(server)) return { instanceId, observation: null };
  const observation = readable((): Observation => {
    const states = textsIn(server, 'OS-EXT-STS:vm_state');
    // the status stands among the tasks, where a word counts only when it is one of an end
    const said = saidState('', { states, tasks: textsIn(server, 'OS-EXT-STS:task_state', 'status') });
    const addresses = states.includes('building') ? readWhileBuilding(server) : readAddresses(server);
    return {
      instanceId,
      project: projectIn(server),
      ...said,
      addresses,
      time,
      source: 'compute',
      cause: 'compute.server',
    };
  });
  return { instanceId, observation: observation ?? null };
}

/**
 * Reads the answer to `GET /servers/detail`. A row that cannot be read never throws the others away.
 * @throws Unavailable when it is no page, or does not tell where the next one begins
 */
export function readServers(body: unknown, time: Date): ServersReading {
  const rows = isJsonObject(body) ? fieldOf(body, 'servers') : undefined;
  if (!isJsonObject(body) || !Array.isArray(rows)) throw unreadable();
  const readings = rows.map((row) => readServer(row, time));
  const observations = readings.flatMap(({ observation }) => observation ?? []);
  const instanceIds = readings.flatMap(({ instanceId }) => instanceId ?? []);
  const complete = observations.length === rows.length;
  return { page: { instanceIds, observations, complete }, next: nextMarker(fieldOf(body, 'servers_links') ?? []) };
}

/** Whether it is Compute's own fault of an instance that it does not know, and not a proxy's 404 or that of a wrong URL. */
export function saysAbsent(body: unknown, instanceId: string): boolean {
  const fault = isJsonObject(body) ? fieldOf(body, 'itemNotFound') : undefined;
  if (!isJsonObject(fault) || fieldOf(fault, 'code') !== 404) return false;
  const message = fieldOf(fault, 'message');
  return typeof message === 'string' && message.includes(instanceId);
}

/** What is thrown for an answer that is not Compute's. It never holds what was answered. */
export function unreadable(): Unavailable {
  return new Unavailable('What Compute answers cannot be read: COMPUTE_URL may be that of something else.');
}

function tellsItsState(server: JsonObject): boolean {
  const status = fieldOf(server, 'status');
  const state = fieldOf(server, 'OS-EXT-STS:vm_state');
  return typeof status === 'string' && status !== UNKNOWN_STATUS && typeof state === 'string' && state !== '';
}

/** Compute hides the addresses of an instance while it is being built: an empty list then says nothing. */
function readWhileBuilding(server: JsonObject): readonly InstanceAddress[] | undefined {
  const addresses = readAddresses(server);
  return addresses?.length === 0 ? undefined : addresses;
}

function readAddresses(server: JsonObject): readonly InstanceAddress[] | undefined {
  const byLabel = fieldOf(server, 'addresses');
  if (!isJsonObject(byLabel)) return undefined;
  const lists = Object.values(byLabel);
  return lists.every((list) => Array.isArray(list)) ? wholeList(lists.flat(), readAddress) : undefined;
}

function readAddress(entry: unknown): readonly InstanceAddress[] | null {
  if (!isJsonObject(entry)) return null;
  const address = parseAddress(fieldOf(entry, 'addr'));
  const kind = fieldOf(entry, 'OS-EXT-IPS:type') ?? 'fixed';
  if (address === null || (kind !== 'fixed' && kind !== 'floating')) return null;
  return [{ address, kind, network: null, port: null, mac: parseMac(fieldOf(entry, 'OS-EXT-IPS-MAC:mac_addr')) }];
}

/** Of the link to the next page the marker alone is taken: where it leads to is Compute's word, and tokens go to nobody else. */
function nextMarker(links: unknown): string | null {
  if (!Array.isArray(links)) throw unreadable();
  const next = links.find((link) => isJsonObject(link) && fieldOf(link, 'rel') === 'next');
  if (next === undefined) return null;
  const href = isJsonObject(next) ? fieldOf(next, 'href') : undefined;
  const marker = typeof href === 'string' ? new URLSearchParams(href.split('?')[1]).get('marker') : null;
  if (marker === null || !isInstanceId(marker)) throw unreadable();
  return marker;
}

/** @returns undefined when it is refused */
function readable<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof InvalidInput) return undefined;
    throw error;
  }
}
