import { Unavailable } from '../domain/errors';

/** What breaks a connection that was open; a request that only reads may be sent again then. */
const BROKEN: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/** What follows from an answer that is none to the question. Compute's own words can hold anything and are not told. */
export function refused(status: number): Unavailable {
  switch (status) {
    case 401:
      return new Unavailable('Compute does not accept the token (401): COMPUTE_TOKEN is wrong or has expired.');
    case 403:
      return new Unavailable(`Compute refuses this to the token (403). ${ADMINISTRATOR}`);
    default:
      return new Unavailable(`Compute answers ${status}.`);
  }
}

/** What follows when the token turns out not to see every instance. */
export function seesTooLittle(): Unavailable {
  return new Unavailable(`The token does not see all projects, so nothing follows from a 404. ${ADMINISTRATOR}`);
}

/** Whether a connection broke before the answer was complete. */
export function unfinished(error: unknown): boolean {
  return BROKEN.has(codeOf(error));
}

/**
 * What `fetch` threw, in words of ours and without a cause: its own errors can hold what was sent or answered.
 * @returns the error itself when it is Unavailable
 */
export function outOfReach(error: unknown): Unavailable {
  if (error instanceof Unavailable) return error;
  const code = codeOf(error);
  return code === undefined
    ? new Unavailable('Compute cannot be asked, or answers with a redirect: see COMPUTE_URL.')
    : new Unavailable(`Compute is out of reach (${code}).`);
}

const ADMINISTRATOR = 'COMPUTE_TOKEN must be of an administrator.';

/** Such as `ECONNREFUSED`; undefined: there is none. */
function codeOf(error: unknown): string | undefined {
  const code = partOf(partOf(error, 'cause'), 'code');
  return typeof code === 'string' && /^[A-Z0-9_]{1,60}$/.test(code) ? code : undefined;
}

/** `fetch` throws errors of its own realm, which need not be instances of ours. */
function partOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
