import type { IncomingMessage } from 'node:http';
import { Fault, faultOf, forbidden, noSuchInstance, UNAUTHORIZED } from './faults';
import { type ListRequest, type StandInPage, selectPage } from './listing';
import { interfacesView, servicesView } from './other-views';
import type { StandInServers } from './servers';
import type { ComputeState, StandInToken } from './state';
import { serverView, summaryView, unknownServerView, unknownView, type View } from './views';

/** What is answered, before it is written down. */
export interface StandInAnswer {
  readonly status: number;
  readonly body: object;
  /** Null: it comes from in front of Nova, which names its microversion. */
  readonly version: string | null;
}

/** The pattern of a path below `/v2.1`, and the id in it. */
export interface Route {
  readonly pattern: string;
  readonly id: string;
}

/** @returns null for a path that Nova does not have */
export function routeOf(path: string): Route | null {
  const [, kind, id, sub, ...rest] = path.split('/');
  if (kind === 'os-services' && id === undefined) return { pattern: '/os-services', id: '' };
  if (kind !== 'servers' || rest.length > 0) return null;
  if (id === undefined) return { pattern: '/servers', id: '' };
  if (sub === 'os-interface') return { pattern: '/servers/{id}/os-interface', id };
  if (sub !== undefined) return null;
  return id === 'detail' ? { pattern: '/servers/detail', id: '' } : { pattern: '/servers/{id}', id };
}

/** Answers as Nova would with these servers. */
export function answerOf(
  state: ComputeState,
  all: StandInServers,
  route: Route,
  query: URLSearchParams,
  request: IncomingMessage,
): StandInAnswer {
  const token = state.tokens[String(request.headers['x-auth-token'])];
  if (!token) return refusal(UNAUTHORIZED, null);
  const { newest = '2.93' } = state;
  const asked = /^compute (2\.\d+)$/.exec(String(request.headers['openstack-api-version']))?.[1] ?? '2.1';
  if (minor(asked) > minor(newest)) {
    const message = `Version ${asked} is not supported by the API. Minimum is 2.1 and maximum is ${newest}.`;
    return refusal(faultOf(406, 'computeFault', message), '2.1');
  }
  const isNew = minor(asked) >= 69;
  const view = { origin: `http://${request.headers.host}`, admin: token.admin, isNew };
  const failing = state.failing?.[route.pattern];
  const answer =
    failing === undefined
      ? answerTo(route, state, all, { query, token, isNew, detailed: route.pattern === '/servers/detail' }, view)
      : faultOf(failing, failing === 404 ? 'itemNotFound' : 'computeFault', 'Something of Nova.');
  return answer instanceof Fault ? refusal(answer, asked) : { status: 200, body: answer, version: asked };
}

function refusal({ status, body }: Fault, version: string | null): StandInAnswer {
  return { status, body, version };
}

function answerTo(
  route: Route,
  state: ComputeState,
  all: StandInServers,
  list: ListRequest,
  view: View,
): object | Fault {
  switch (route.pattern) {
    case '/os-services':
      return list.token.admin
        ? servicesView((state.unknownCells ?? []).length > 0, view)
        : forbidden('os-services:list');
    case '/servers':
    case '/servers/detail': {
      const page = selectPage(state, all, list);
      return page instanceof Fault ? page : pageView(page, list.detailed, view);
    }
    default:
      return answerOfOne(route, state, all, list.token, view);
  }
}

function answerOfOne(
  { pattern, id }: Route,
  { unknownCells = [] }: ComputeState,
  all: StandInServers,
  token: StandInToken,
  view: View,
): object | Fault {
  const server = all.find(id)?.server;
  if (!server || server.vm_state === 'deleted' || (!token.admin && server.project !== token.project))
    return noSuchInstance(id);
  const isUnknown = unknownCells.includes(id);
  if (isUnknown && (!view.isNew || pattern !== '/servers/{id}'))
    return faultOf(500, 'computeFault', 'Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/');
  if (pattern === '/servers/{id}/os-interface') return interfacesView(server);
  return { server: isUnknown ? unknownServerView(id, server, view) : serverView(id, server, view) };
}

function pageView({ servers, unknown, next }: StandInPage, detailed: boolean, view: View): object {
  const show = detailed ? serverView : summaryView;
  const rows = [
    ...unknown.map(({ id, server }) => unknownView(id, server, view, detailed)),
    ...servers.map(({ id, server }) => show(id, server, view)),
  ];
  const href = `${view.origin}/v2.1/servers${detailed ? '/detail' : ''}?${next}`;
  return next === null ? { servers: rows } : { servers: rows, servers_links: [{ rel: 'next', href }] };
}

function minor(version: string): number {
  return Number(version.split('.')[1]);
}
