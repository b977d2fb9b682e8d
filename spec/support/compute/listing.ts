import { badRequest, type Fault, faultOf, forbidden } from './faults';
import type { PlacedServer, StandInServers } from './servers';
import type { ComputeState, StandInToken } from './state';

/** What a list has, before it is shown. */
export interface StandInPage {
  readonly servers: readonly PlacedServer[];
  /** Those of cells that are down, which Nova puts in front of an answer that is not in pages. */
  readonly unknown: readonly PlacedServer[];
  /** The query of the next page; null: this is the last. */
  readonly next: string | null;
}

/** One request for a list. */
export interface ListRequest {
  readonly query: URLSearchParams;
  readonly token: StandInToken;
  /** Whether cells that are down are told of: microversion 2.69. */
  readonly isNew: boolean;
  readonly detailed: boolean;
}

/** Selects a page as Nova does. @returns a fault when it refuses */
export function selectPage(state: ComputeState, all: StandInServers, request: ListRequest): StandInPage | Fault {
  const { query, token, isNew, detailed } = request;
  const { maxLimit = 1_000, unknownCells = [] } = state;
  if (isTrue(query.get('all_tenants')) && !token.admin && !token.listsAll)
    return forbidden(`servers:${detailed ? 'detail' : 'index'}:get_all_tenants`);
  const asked = query.get('limit') ?? String(maxLimit);
  if (!/^[0-9]*$/.test(asked))
    return badRequest(
      `Invalid input for query parameters limit. Value: ${asked}. '${asked}' does not match '^[0-9]*$'`,
    );
  const limit = Math.min(Number(asked), maxLimit);
  const marker = query.get('marker');
  const from = marker === null ? 0 : markedPosition(all, marker);
  if (from === null) return badRequest(`marker [${marker}] not found`);
  const failing = state.failingPages?.[1 + Math.floor(from / Math.max(1, limit))];
  if (failing !== undefined) return faultOf(failing, 'computeFault', 'Unexpected API Error.');

  const servers = firstOf(all.from(from), selection(state, request), limit);
  const isPlain = [...query.keys()].every((name) => name === 'all_tenants');
  const unknown = unknownCells.flatMap((id) => all.find(id) ?? []).slice(0, limit - servers.length);
  return { servers, unknown: isNew && isPlain ? unknown : [], next: nextQuery(query, servers, limit) };
}

function selection(state: ComputeState, { query, token }: ListRequest): (placed: PlacedServer) => boolean {
  const leftOut = new Set([...(state.partial ?? []), ...(state.unknownCells ?? [])]);
  const all = isTrue(query.get('all_tenants'));
  const deleted = token.admin && isTrue(query.get('deleted'));
  // what only an administrator may filter by is left out of account for others
  const uuid = token.admin ? query.get('uuid') : null;
  return ({ id, server }) =>
    (server.vm_state === 'deleted') === deleted &&
    (all || server.project === token.project) &&
    (uuid === null || uuid === id) &&
    !leftOut.has(id);
}

function markedPosition(all: StandInServers, marker: string): number | null {
  const marked = all.find(marker);
  return marked ? marked.position + 1 : null;
}

function firstOf(
  servers: Iterable<PlacedServer>,
  isListed: (server: PlacedServer) => boolean,
  limit: number,
): readonly PlacedServer[] {
  const page: PlacedServer[] = [];
  for (const server of limit > 0 ? servers : []) {
    if (isListed(server)) page.push(server);
    if (page.length === limit) break;
  }
  return page;
}

/** Nova links to a next page whenever this one is full, though nothing may be on it. */
function nextQuery(query: URLSearchParams, servers: readonly PlacedServer[], limit: number): string | null {
  const last = servers.at(-1);
  if (last === undefined || servers.length < limit) return null;
  const next = new URLSearchParams(query);
  next.sort();
  next.set('marker', last.id);
  return next.toString();
}

function isTrue(word: string | null): boolean {
  return word !== null && ['1', 't', 'true', 'on', 'y', 'yes'].includes(word.toLowerCase());
}
