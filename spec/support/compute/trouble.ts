import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { ComputeState } from './state';

const MEGABYTE = Buffer.alloc(1024 * 1024, '[');

/** Answers as something else would that stands where Compute should be. @returns whether it did */
export async function misbehave({ redirect, wrong }: ComputeState, response: ServerResponse): Promise<boolean> {
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
      await stream(response, wrong === 'large' ? 20 : Number.POSITIVE_INFINITY);
      return true;
  }
}

async function stream(response: ServerResponse, megabytes: number): Promise<void> {
  for (let sent = 0; sent < megabytes && !response.destroyed; sent += 1)
    if (!response.write(MEGABYTE)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
  response.end();
}
