import { lookup } from 'node:dns/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** How long requests may take to end by themselves before what they wait for is stopped, and then before they are cut off. */
const PATIENCE_MILLISECONDS = 1_000;

/** A port that is listened on. */
export interface Listener {
  /** `http://127.0.0.1:8774` */
  readonly url: string;
  /** Takes no more connections; resolves when all requests have ended, or after a second. */
  drain(): Promise<void>;
  /** Takes no more connections, and after another second cuts off what is left. */
  close(): Promise<void>;
}

/**
 * Listens, on the first address of the host.
 * @param options `loopbackOnly` refuses every other address; `setting` is what the port is called
 * @throws Error with one sentence for the operator: the port is in use, the address is not this machine's, not loopback
 */
export async function listen(
  {
    host,
    port,
    loopbackOnly,
    setting = 'PORT',
  }: { readonly host: string; readonly port: number; readonly loopbackOnly: boolean; readonly setting?: string },
  handle: RequestListener,
): Promise<Listener> {
  const { address } = await lookup(host).catch((cause: unknown) => {
    throw new Error(`HOST="${host}" cannot be found: it has no address.`, { cause });
  });
  if (loopbackOnly && !LOOPBACK.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4'))
    throw new Error(
      `IDENTITY=development takes everybody for an administrator: it listens on loopback addresses alone, and HOST="${host}" is none. Use IDENTITY=headers.`,
    );
  const server = createServer(handle);
  const requests = new OpenRequests(server);
  await bound(server, port, address, setting);
  const ended = new Promise<void>((resolve) => {
    server.once('close', () => resolve());
  });
  return {
    url: urlOf(server),
    drain: async () => {
      server.close();
      await within(requests.ended());
    },
    close: async () => {
      if (server.listening) server.close();
      await within(ended);
      server.closeAllConnections();
      await ended;
    },
  };
}

class OpenRequests {
  #count = 0;
  #waiting: (() => void)[] = [];

  constructor(server: Server) {
    server.on('request', (_request, response) => {
      this.#count += 1;
      response.once('close', () => {
        this.#count -= 1;
        // A connection that is kept alive would hold the server up; it is idle only once this event is over.
        if (!server.listening) setImmediate(() => server.closeIdleConnections());
        if (this.#count === 0) for (const wake of this.#waiting.splice(0)) wake();
      });
    });
  }

  async ended(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

function bound(server: Server, port: number, address: string, setting: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(new Error(refusal(cause, port, address, setting), { cause })),
    );
    server.listen({ port, host: address }, resolve);
  });
}

function refusal({ code, message }: NodeJS.ErrnoException, port: number, address: string, setting: string): string {
  if (code === 'EADDRINUSE')
    return `Port ${port} of ${address} is in use: stop what listens there, or choose another ${setting}.`;
  if (code === 'EACCES') return `Port ${port} may not be listened on by this user: choose a ${setting} above 1023.`;
  if (code === 'EADDRNOTAVAIL') return `${address} is no address of this machine: choose another HOST.`;
  return `Cannot listen on port ${port} of ${address}: ${message}.`;
}

/** Of an address that means all of them, the machine's name: a link must lead somewhere. */
function urlOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server listens on no port.');
  const { address: host, port } = address;
  if (host === '0.0.0.0' || host === '::') return `http://${hostname()}:${port}`;
  return `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

async function within(done: Promise<void>): Promise<void> {
  const over = new AbortController();
  await Promise.race([done, delay(PATIENCE_MILLISECONDS, undefined, { signal: over.signal }).catch(() => {})]);
  over.abort();
}
