import { Unavailable } from '../domain/errors';
import type { Observation } from '../domain/instance';
import { type ComputeApi, type ListingPage, Untold } from '../ports/cloud';
import { type ComputeAccess, ComputeRequests } from './compute-requests';
import { seesTooLittle } from './compute-troubles';
import { type Attachment, readAttachments, withPlaces } from './interface-answer';
import { fieldOf, isJsonObject } from './payload-fields';
import { readServer, readServers, type ServersReading, saysAbsent, unreadable } from './server-answer';
import { cellsAnswer } from './services-answer';

/** How Nova is asked. */
export interface NovaComputeOptions extends ComputeAccess {
  /** Whether the network of an address matters: configured networks name Neutron networks by id. Costs a request an instance. */
  readonly readInterfaces: boolean;
}

const FIND_MILLISECONDS = 10_000;
const PAGE_MILLISECONDS = 60_000;

/** Words of a path below `/servers` that are no instance's id, though they could be one. */
const NO_INSTANCE: ReadonlySet<string> = new Set(['.', '..', 'detail']);

/** Nova's Compute API, version 2.1, of any microversion. */
export class NovaComputeApi implements ComputeApi {
  readonly #requests: ComputeRequests;
  readonly #readInterfaces: boolean;

  /** @throws InvalidInput when the URL is none that requests can be sent to */
  constructor({ readInterfaces, ...access }: NovaComputeOptions) {
    this.#requests = new ComputeRequests(access);
    this.#readInterfaces = readInterfaces;
  }

  async find(instanceId: string, signal: AbortSignal): Promise<Observation> {
    const found = await this.#server(instanceId, signal);
    const { state, addresses = [] } = found;
    if (!this.#readInterfaces || state !== 'live' || !addresses.some(({ kind }) => kind === 'fixed')) return found;
    const attachments = await this.#attachments(instanceId, signal);
    if (attachments !== null) return { ...found, addresses: withPlaces(addresses, attachments) };
    const again = await this.#server(instanceId, signal); // it may just have gone
    if (again.state === 'gone' || again.state === 'suspended') return again;
    throw new Unavailable('Compute tells of the instance, and not of its interfaces.');
  }

  async *list(signal: AbortSignal): AsyncGenerator<ListingPage> {
    const markers = new Set<string>();
    let marker: string | null = null;
    let cellsAreUp = await this.#cellsAnswer(signal);
    do {
      const { page, next }: ServersReading = await this.#page(marker, signal);
      if (next !== null && markers.has(next)) throw new Unavailable('The pages of Compute do not come to an end.');
      if (next !== null) markers.add(next);
      // again at the end: a cell that went in the meantime was left out without a word
      else cellsAreUp &&= await this.#cellsAnswer(signal);
      yield { ...page, complete: page.complete && cellsAreUp };
      marker = next;
    } while (marker !== null);
  }

  async #server(instanceId: string, signal: AbortSignal): Promise<Observation> {
    const path = `/servers/${pathWord(instanceId)}`;
    const question = { path, patience: FIND_MILLISECONDS, prepared: [404], tellsCells: true };
    const { status, body, time } = await this.#requests.get(question, signal);
    if (status === 404) {
      await this.#confirmAbsent(instanceId, body, signal);
      return { instanceId, state: 'gone', time, source: 'compute', cause: 'compute.absent' };
    }
    const reading = readServer(isJsonObject(body) ? fieldOf(body, 'server') : undefined, time);
    if (reading.instanceId !== instanceId) throw unreadable();
    if (reading.observation === null)
      throw new Untold('Compute cannot tell of the instance now: its cell may be down.');
    return reading.observation;
  }

  /**
   * A 404 alone says little: a token that does not see all projects gets one for every instance of another. So the list of
   * all projects is asked for the id. Nova refuses that list to a member, does not apply this filter for one who may not see
   * everything, and still lists what only the look-up of one instance hides (a role that may list, and is no administrator).
   */
  async #confirmAbsent(instanceId: string, fault: unknown, signal: AbortSignal): Promise<void> {
    if (!saysAbsent(fault, instanceId)) throw unreadable();
    const path = `/servers?all_tenants=1&limit=1&uuid=${pathWord(instanceId)}`;
    const { status, body } = await this.#requests.get({ path, patience: FIND_MILLISECONDS, prepared: [403] }, signal);
    if (status === 403) throw seesTooLittle();
    const servers = isJsonObject(body) ? fieldOf(body, 'servers') : undefined;
    if (!Array.isArray(servers)) throw unreadable();
    if (servers.length > 0) throw seesTooLittle();
  }

  /** @returns null when Compute does not know the instance */
  async #attachments(instanceId: string, signal: AbortSignal): Promise<readonly Attachment[] | null> {
    const path = `/servers/${pathWord(instanceId)}/os-interface`;
    const { status, body } = await this.#requests.get({ path, patience: FIND_MILLISECONDS, prepared: [404] }, signal);
    return status === 404 ? null : readAttachments(body);
  }

  async #page(marker: string | null, signal: AbortSignal): Promise<ServersReading> {
    const from = marker === null ? '' : `&marker=${encodeURIComponent(marker)}`;
    const path = `/servers/detail?all_tenants=1&limit=1000${from}`;
    const { body, time } = await this.#requests.get({ path, patience: PAGE_MILLISECONDS }, signal);
    return readServers(body, time);
  }

  /**
   * Whether every cell answers. A list in pages does not tell: Nova leaves the instances of a cell that is down out of one
   * whatever the microversion, since it has rows of status UNKNOWN only where neither `limit` nor `marker` is asked for.
   */
  async #cellsAnswer(signal: AbortSignal): Promise<boolean> {
    const question = { path: '/os-services', patience: PAGE_MILLISECONDS, prepared: [403, 404], tellsCells: true };
    const { status, body } = await this.#requests.get(question, signal);
    return status === 200 && cellsAnswer(body) && !this.#requests.isOld;
  }
}

function pathWord(instanceId: string): string {
  if (NO_INSTANCE.has(instanceId)) throw new Unavailable('Compute cannot be asked about an instance of that id.');
  return encodeURIComponent(instanceId);
}
