import { json } from 'body-parser';
import type { Request, Response } from 'express';
import { HttpFault } from './faults';

/** Reads bodies up to a length: body-parser, called by hand, so that nobody else's body is read. */
export type BodyParser = ReturnType<typeof json>;

/** @param limit bytes. Not "strict": that would refuse `null`, which is a body like others */
export function bodyParser(limit: number): BodyParser {
  return json({ limit, strict: false, inflate: false, type: () => true });
}

/**
 * Reads the body of a PUT or POST.
 * @returns undefined when there is none
 * @throws HttpFault 415 for another type than JSON, 413, 400
 */
export async function readBody(request: Request, response: Response, parser: BodyParser): Promise<unknown> {
  const { headers } = request;
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  if (!hasBody) return undefined;
  if (!/^application\/json\s*(;|$)/i.test(headers['content-type'] ?? ''))
    throw new HttpFault(415, 'The body must be of type application/json.');
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw new HttpFault(415, 'The body must not have a Content-Encoding.');
  // a host has read it before us: taken as it is
  if (request.readableEnded || Reflect.get(request, '_body') === true) return request.body;
  await parse(parser, request, response);
  return request.body;
}

async function parse(parser: BodyParser, request: Request, response: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    parser(request, response, (error: unknown) => (error ? reject(faultOf(error)) : resolve()));
  });
}

/** body-parser's own messages can hold what was sent. */
function faultOf(error: unknown): unknown {
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
  switch (status) {
    case 400:
      return new HttpFault(400, 'The body is not JSON that can be read.');
    case 413:
      // what is left of it is not read
      return new HttpFault(413, 'The body is too large.', { Connection: 'close' });
    case 415:
      return new HttpFault(415, 'The body must be in UTF-8.');
    default:
      return error;
  }
}
