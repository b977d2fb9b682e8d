import { randomUUID } from 'node:crypto';
import { type Request, type Response, Router } from 'express';
import { acceptsJson } from './accept';
import { authenticate } from './authentication';
import { readBody } from './body';
import type { Answer, Handler } from './call';
import { faultAnswer, HttpFault } from './faults';
import { readQuery } from './query';
import { type Method, type Target, targetOf } from './routes';
import type { HttpServices } from './services';

/**
 * The router that a host mounts under `/v1.1/:tenant`. Express gives it the request and the tenant; the route it finds itself
 * (`routes.ts`), and what is not its own goes on to the host, its body unread.
 */
export function createRouter(services: HttpServices): Router {
  const router = Router({ mergeParams: true });
  router.use((request, response, next) => {
    const [path = '', query = ''] = request.url.split(/\?(.*)/s);
    let target: Target | null;
    try {
      target = targetOf(path, services.entry !== null);
    } catch (error) {
      return send(request, response, requestIdOf(request), faultAnswer(error));
    }
    if (!target) return next();
    void serve(services, request, response, target, path, query);
  });
  return router;
}

async function serve(
  services: HttpServices,
  request: Request,
  response: Response,
  target: Target,
  path: string,
  query: string,
): Promise<void> {
  const begun = services.clock.monotonic();
  const requestId = requestIdOf(request);
  let answer: Answer;
  try {
    answer = await answerTo(services, request, response, requestId, target, path, query);
  } catch (error) {
    answer = faultAnswer(error);
    const facts = { requestId, route: target.route.pattern };
    if (answer.status === 503) services.logger.warn({ ...facts, reason: String(error) }, 'request not served for now');
    else if (answer.status >= 500) services.logger.error({ ...facts, err: error }, 'request failed');
  }
  send(request, response, requestId, answer);
  const milliseconds = services.clock.monotonic() - begun;
  const { pattern: route } = target.route;
  services.metrics.requestServed(route, request.method, answer.status, milliseconds / 1_000);
  services.logger.debug(
    { requestId, method: request.method, route, status: answer.status, milliseconds },
    'request served',
  );
}

/** In the order of docs/api.md: 401, tenant 400, 405, 406, 415, 413, body 400, and then the handler's own. */
async function answerTo(
  services: HttpServices,
  request: Request,
  response: Response,
  requestId: string,
  { route, root, name, id }: Target,
  path: string,
  query: string,
): Promise<Answer> {
  if (request.method === 'OPTIONS') return { status: 204, headers: { Allow: allowed(route.methods) } };
  const caller = await authenticate(services, request);
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const handler = isMethod(method) ? route.methods[method] : undefined;
  if (!handler) throw new HttpFault(405, `${request.method} is not possible here.`, { Allow: allowed(route.methods) });
  route.admit?.(services.policy, caller);
  if (!acceptsJson(request.headers.accept))
    throw new HttpFault(406, 'Answers are application/json: the Accept header rules that out.');
  const takesBody = method === 'PUT' || method === 'POST';
  const body = takesBody ? await readBody(request, response, route.parser) : undefined;
  const base = `${services.publicUrl ?? ''}${request.baseUrl}`;
  return handler(services, {
    requestId,
    caller,
    name,
    id,
    query: readQuery(query),
    body,
    headers: {
      ifMatch: request.headers['if-match'],
      ifNoneMatch: request.headers['if-none-match'],
      prefer: single(request.headers.prefer),
    },
    collection: `${base}/${root}`,
    self: base + path.replace(/\/$/, ''),
    ended: () => endOf(response, services.stopping()),
  });
}

/** Aborts when the client has gone, or the extension stops. */
function endOf(response: Response, stopping: AbortSignal): AbortSignal {
  const end = new AbortController();
  const abort = () => end.abort();
  if (stopping.aborted || response.destroyed) abort();
  stopping.addEventListener('abort', abort, { once: true });
  response.once('close', () => {
    stopping.removeEventListener('abort', abort);
    abort();
  });
  return end.signal;
}

/** Written by `end`: Express's own `json` would add an ETag, and a 304 of its own to `If-None-Match: *`. */
function send(request: Request, response: Response, requestId: string, { status, body, headers }: Answer): void {
  if (response.headersSent || response.destroyed) return;
  response.statusCode = status;
  response.setHeader('X-Openstack-Request-Id', requestId);
  response.setHeader('X-Compute-Request-Id', requestId);
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('Vary', 'X-Auth-Token');
  for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value);
  if (body === undefined) {
    if (status !== 204 && status !== 304) response.setHeader('Content-Length', 0);
    response.end();
    return;
  }
  const text = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  response.setHeader('Content-Type', 'application/json');
  response.setHeader('Content-Length', text.length);
  response.end(request.method === 'HEAD' ? undefined : text);
}

/** The host's, when it has set one on the request; else a new one. What a header says is not trusted. */
function requestIdOf(request: Request): string {
  const given: unknown = Reflect.get(request, 'id');
  return typeof given === 'string' && /^req-[0-9a-f-]{36}$/.test(given) ? given : `req-${randomUUID()}`;
}

function allowed(methods: Readonly<Partial<Record<Method, Handler>>>): string {
  const own = Object.keys(methods);
  return [...own, ...(own.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
}

function isMethod(method: string): method is Method {
  return method === 'GET' || method === 'PUT' || method === 'POST' || method === 'DELETE';
}

function single(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' || header === undefined ? header : header.join(', ');
}
