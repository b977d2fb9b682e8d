import { readBounded } from './bounded-body';
import { parseJson } from './json';

/** What a service is asked, in JSON. */
export interface JsonRequest {
  /** Who is asked, for messages: `Manila`. */
  readonly service: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** What it answered, whatever the status. */
export interface JsonAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Undefined: it is no JSON. */
  readonly body: unknown;
}

/** No whole answer came: out of reach, a redirect, none in time, too long. It never holds what was sent or answered. */
export class OutOfReach extends Error {
  override readonly name = 'OutOfReach';
}

const LONGEST_MILLISECONDS = 30_000;
const MOST_BYTES = 64 * 1024 * 1024;
/** What breaks a connection that was kept open; what only reads may be sent again then. */
const BROKEN: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/**
 * Asks a service of HTTP and JSON. No redirect is followed, since what is sent may hold a secret.
 * @throws OutOfReach; the signal's reason when it aborts
 */
export async function askJson(request: JsonRequest, signal: AbortSignal): Promise<JsonAnswer> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(LONGEST_MILLISECONDS)]);
  try {
    return await send(request, within).catch((error: unknown) => {
      if (request.method !== 'GET' || !BROKEN.has(codeOf(error)) || within.aborted) throw error;
      return send(request, within);
    });
  } catch (error) {
    signal.throwIfAborted();
    throw outOfReach(request, within, error);
  }
}

async function send({ service, method, url, headers, body }: JsonRequest, signal: AbortSignal): Promise<JsonAnswer> {
  const tooLong = () => new OutOfReach(`${service} answers with more than ${MOST_BYTES} bytes.`);
  const answer = await fetch(url, {
    method,
    headers: {
      Accept: 'application/json',
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    redirect: 'error',
    signal,
  });
  const text = await readBounded(answer.body, MOST_BYTES, tooLong);
  return { status: answer.status, headers: answer.headers, body: parseJson(text) };
}

function outOfReach({ service }: JsonRequest, within: AbortSignal, error: unknown): OutOfReach {
  if (error instanceof OutOfReach) return error;
  if (within.aborted) return new OutOfReach(`${service} did not answer within ${LONGEST_MILLISECONDS / 1_000} s.`);
  const code = codeOf(error);
  return code === undefined
    ? new OutOfReach(`${service} cannot be asked, or answers with a redirect: see its URL in the settings.`)
    : new OutOfReach(`${service} is out of reach (${code}).`);
}

/** Such as `ECONNREFUSED`; undefined: there is none. `fetch` throws errors of its own realm, which need not be instances of ours. */
function codeOf(error: unknown): string | undefined {
  const code = partOf(partOf(error, 'cause'), 'code');
  return typeof code === 'string' && /^[A-Z0-9_]{1,60}$/.test(code) ? code : undefined;
}

function partOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
