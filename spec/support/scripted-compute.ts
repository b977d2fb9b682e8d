import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a script answers: status 200 where none is said. Null: the connection is closed without an answer. */
export interface Scripted {
  readonly status?: number;
  /** Sent as it stands. */
  readonly text: string;
}

/** Stands where Compute should be, and answers whatever its script says. */
export interface ScriptedCompute {
  readonly url: string;
  /** All that it was sent, in order. */
  readonly requests: readonly IncomingMessage[];
  close(): Promise<void>;
}

/** @param script is given the path below the version, with its query */
export async function scriptedCompute(
  script: (path: string) => Scripted | null | Promise<Scripted | null>,
): Promise<ScriptedCompute> {
  const requests: IncomingMessage[] = [];
  const server = createServer(async (request, response) => {
    requests.push(request);
    const answer = await script(String(request.url).replace('/v2.1', ''));
    if (answer === null) request.socket.destroy();
    else response.writeHead(answer.status ?? 200, { 'Content-Type': 'application/json' }).end(answer.text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2.1`,
    requests,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
