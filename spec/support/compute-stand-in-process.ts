import { randomUUID } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { answerOf, routeOf, type StandInAnswer } from './compute/answers';
import { pythonJson } from './compute/python-json';
import { StandInServers } from './compute/servers';
import type { ComputeState } from './compute/state';
import { misbehave } from './compute/trouble';

/*
 * A stand-in for the Compute API, in the form that a real Nova 26 has (spec/fixtures/nova/api). Its state is a file that
 * specs replace at any time. It ends with its input, so that nothing is left behind by a spec that was killed.
 */

const [, , file = '', port = '0'] = process.argv;

/** The state, and what was made of it; read again when the file is another one. */
class StateFile {
  state: ComputeState = { servers: {}, tokens: {} };
  servers = new StandInServers(this.state);
  /** Connections that were closed without an answer since. */
  dropped = 0;
  #seen = '';

  refresh(): this {
    const { ino, mtimeNs } = statSync(file, { bigint: true });
    if (this.#seen === `${ino} ${mtimeNs}`) return this;
    this.state = JSON.parse(readFileSync(file, 'utf8')) as ComputeState;
    this.servers = new StandInServers(this.state);
    this.dropped = 0;
    this.#seen = `${ino} ${mtimeNs}`;
    return this;
  }
}

const held = new StateFile();
const counts: Record<string, number> = {};

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://stand-in');
  if (url.pathname === '/_requests') {
    response.end(JSON.stringify(counts));
    return;
  }
  const route = request.method === 'GET' ? routeOf(url.pathname.replace(/^\/v2\.1(?=\/)/, '')) : null;
  const pattern = route?.pattern ?? 'other';
  counts[pattern] = (counts[pattern] ?? 0) + 1;
  const { state, servers } = held.refresh();
  if (state.delayMilliseconds) await delay(state.delayMilliseconds);
  if (state.away === true || held.dropped < Number(state.away ?? 0)) {
    held.dropped += 1;
    request.socket.destroy();
    return;
  }
  if (misbehave(state, response)) return;
  if (route === null) sendHtml(response);
  else send(response, answerOf(state, servers, route, url.searchParams, request), request.headers.host);
}

/** With Nova's headers in Nova's order: another one of what went well, of faults, and of keystonemiddleware. */
function send(response: ServerResponse, { status, body, version }: StandInAnswer, host = ''): void {
  const text = pythonJson(body);
  const length = ['Content-Length', String(Buffer.byteLength(text))];
  const both = 'OpenStack-API-Version, X-OpenStack-Nova-API-Version';
  const versions =
    version === null
      ? []
      : ['Openstack-Api-Version', `compute ${version}`, 'X-Openstack-Nova-Api-Version', version, 'Vary', both];
  const fault = [
    ...versions,
    'Content-Type',
    `application/json${version === null ? '' : '; charset=UTF-8'}`,
    ...length,
  ];
  const keystone = version === null ? ['Www-Authenticate', `Keystone uri="http://${host}/v3"`] : [];
  const headers =
    status === 200 ? [...length, 'Content-Type', 'application/json', ...versions] : [...fault, ...keystone];
  response.writeHead(status, [...headers, ...requestIds()]);
  response.end(text);
}

/** What Nova answers for a path that it does not have. */
function sendHtml(response: ServerResponse): void {
  const text =
    '<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n' +
    '  The resource could not be found.<br /><br />\n\n\n\n </body>\n</html>';
  const headers = ['Content-Length', String(text.length), 'Content-Type', 'text/html; charset=UTF-8'];
  response.writeHead(404, [...headers, ...requestIds()]);
  response.end(text);
}

function requestIds(): readonly string[] {
  const id = `req-${randomUUID()}`;
  return ['X-Openstack-Request-Id', id, 'X-Compute-Request-Id', id];
}

const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
  serve(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
});
server.listen(Number(port), '127.0.0.1', () => {
  console.log(JSON.stringify({ port: (server.address() as AddressInfo).port }));
});
process.stdin.resume().once('end', () => process.exit());
