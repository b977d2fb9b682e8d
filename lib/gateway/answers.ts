import type { IncomingMessage, ServerResponse } from 'node:http';

/** Compute's names (docs/api.md, "Faults"); every other is a `computeFault`. */
const FAULTS: Readonly<Record<number, string>> = {
  400: 'badRequest',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'itemNotFound',
  405: 'badMethod',
  406: 'notAcceptable',
  409: 'conflictingRequest',
  413: 'overLimit',
  415: 'badMediaType',
  503: 'serviceUnavailable',
};

const READING = 'GET, HEAD, OPTIONS';

/** Answers with JSON. Written by `end`: Express's own `json` adds an ETag, and a 304 of its own to it. */
export function answer(response: ServerResponse, status: number, body: unknown): void {
  response.statusCode = status;
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  const text = Buffer.from(JSON.stringify(body));
  response.setHeader('Content-Length', text.length);
  response.end(response.req.method === 'HEAD' ? undefined : text);
}

/** Answers with a fault, as docs/api.md has them ("Faults"). */
export function fault(response: ServerResponse, code: number, message: string): void {
  if (code === 405) response.setHeader('Allow', READING);
  if (code === 503) response.setHeader('Retry-After', '1');
  answer(response, code, { [FAULTS[code] ?? 'computeFault']: { code, message } });
}

/** Whether a path that can only be read is being read; else it has been answered: OPTIONS, another method. */
export function isRead(request: IncomingMessage, response: ServerResponse): boolean {
  const { method = '' } = request;
  if (method === 'GET' || method === 'HEAD') return true;
  if (method === 'OPTIONS') {
    response.statusCode = 204;
    response.setHeader('Allow', READING);
    response.end();
  } else fault(response, 405, `${method} is not possible here: ${READING} are.`);
  return false;
}
