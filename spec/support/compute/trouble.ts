import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { ComputeState } from './state';

const MEGABYTE = Buffer.alloc(1024 * 1024, 'x');

/** Answers as something else would that stands where Compute should be. @returns whether it did */
export function misbehave({ redirect, wrong }: ComputeState, response: ServerResponse): boolean {
  if (redirect !== undefined) {
    response.writeHead(302, { Location: redirect }).end();
    return true;
  }
  switch (wrong) {
    case undefined:
      return false;
    case 'html':
      response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html><body>Please log in.</body></html>');
      return true;
    case 'truncated':
      response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"servers": [{"id": "d25d21d2-07bb');
      return true;
    case 'large':
    case 'endless':
      response.writeHead(200, { 'Content-Type': 'application/json' });
      Readable.from(megabytesOf(wrong === 'large' ? 20 : Number.POSITIVE_INFINITY)).pipe(response);
      return true;
  }
}

function* megabytesOf(count: number): Generator<Buffer> {
  for (let sent = 0; sent < count; sent += 1) yield MEGABYTE;
}
