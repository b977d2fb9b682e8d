import {
  Conflict,
  Forbidden,
  InvalidInput,
  NotFound,
  PreconditionFailed,
  TemporaryConflict,
  Unavailable,
} from '../domain/errors';
import type { Answer } from './call';

/** Compute's names (docs/api.md, "Faults"); every other is a `computeFault`. */
const NAMES: Readonly<Record<number, string>> = {
  400: 'badRequest',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'itemNotFound',
  405: 'badMethod',
  406: 'notAcceptable',
  409: 'conflictingRequest',
  412: 'preconditionFailed',
  413: 'overLimit',
  415: 'badMediaType',
  501: 'notImplemented',
  503: 'serviceUnavailable',
};
const RETRY_AFTER_SECONDS = '2';
const INTERNAL = 'The server has either erred or is incapable of performing the requested operation.';

/** A fault that HTTP itself names: of the method, the media type, the length. */
export class HttpFault extends Error {
  override readonly name = 'HttpFault';

  constructor(
    readonly status: number,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

/** The one place that turns a failure into a status code. What is not a failure that the domain names tells nothing about itself. */
export function faultAnswer(error: unknown): Answer {
  const status = statusOf(error);
  const message = status === 500 ? INTERNAL : (error as Error).message;
  const headers = {
    ...(error instanceof HttpFault ? error.headers : {}),
    ...(status === 503 || error instanceof TemporaryConflict ? { 'Retry-After': RETRY_AFTER_SECONDS } : {}),
  };
  return { status, headers, body: { [NAMES[status] ?? 'computeFault']: { code: status, message } } };
}

function statusOf(error: unknown): number {
  if (error instanceof HttpFault) return error.status;
  if (error instanceof InvalidInput) return 400;
  if (error instanceof Forbidden) return 403;
  if (error instanceof NotFound) return 404;
  if (error instanceof Conflict) return 409;
  if (error instanceof PreconditionFailed) return 412;
  if (error instanceof Unavailable) return 503;
  return 500;
}
