import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Stands between a client and a server, so that a spec can do what networks do. */
export class TcpProxy {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [client: Socket, upstream: Socket]>();
  #isRefusing = false;
  #rewrite: (fromServer: Buffer) => Buffer = (bytes) => bytes;
  /** Connections that were ever made through it. */
  accepted = 0;

  private constructor(host: string, port: number) {
    this.#server = createServer((client) => {
      if (this.#isRefusing) return void client.destroy();
      this.accepted += 1;
      this.#join(client, connect(port, host));
    });
  }

  static async to(host: string, port: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(host, port);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The ports by which the server knows the connections. */
  get upstreamPorts(): readonly number[] {
    return [...this.#pairs].map(([, upstream]) => upstream.localPort ?? 0);
  }

  /** Cuts every connection, without a farewell. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  /** Cuts, and lets nobody in until `accept`. */
  refuse(): void {
    this.#isRefusing = true;
    this.cut();
  }

  accept(): void {
    this.#isRefusing = false;
  }

  /** Connections stay, and nothing goes through any more: what a firewall does that has forgotten them. New ones work. */
  freeze(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  /** Changes what the server sends, packet by packet. */
  rewrite(change: (fromServer: Buffer) => Buffer): void {
    this.#rewrite = change;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.cut();
    if (this.#server.listening) await once(this.#server, 'close');
  }

  #join(client: Socket, upstream: Socket): void {
    const pair = [client, upstream] as const;
    this.#pairs.add(pair);
    const end = (): void => {
      for (const socket of pair) socket.destroy();
      this.#pairs.delete(pair);
    };
    for (const socket of pair) socket.on('error', () => undefined).on('close', end);
    client.on('data', (bytes) => upstream.write(bytes));
    upstream.on('data', (bytes) => client.write(this.#rewrite(bytes)));
  }
}
