import { setMaxListeners } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { BusAway, DbusObject } from '../../../lib/drivers/nfs/dbus';
import { EXPORT_MANAGER } from '../../../lib/drivers/nfs/export-manager';

const { signal } = new AbortController();
// many calls at once share it
setMaxListeners(0, signal);

// calls of a real bus, and one that is killed: spec/e2e/ganesha-clients.e2e.ts
describe('DbusObject', () => {
  let folder: string;
  let server: Server | null = null;
  const sockets = new Set<Socket>();
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'nova-shared-filesystem-spec-'));
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
    server = null;
    await rm(folder, { recursive: true });
  });

  const address = () => `unix:path=${path.join(folder, 'bus')}`;
  const listen = async (accept: (socket: Socket) => void) => {
    const listening = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      accept(socket);
    });
    server = listening;
    await new Promise<void>((resolve) => listening.listen(path.join(folder, 'bus'), resolve));
  };
  const object = (longest?: number) => new DbusObject(address(), EXPORT_MANAGER, longest);
  const call = (on: DbusObject, by = signal) => on.call('ShowExports', '', [], by);

  it('tells where there is no bus', async () => {
    await expect(call(object())).rejects.toThrow(BusAway);
    await expect(call(object())).rejects.toThrow(`there is no D-Bus at ${address()}, or it cannot be reached: ENOENT`);
  });
  it('tells that the bus has closed the connection, and makes another for the next call', async () => {
    let accepted = 0;
    await listen((socket) => {
      accepted += 1;
      socket.end();
    });
    const one = object();
    await expect(call(one)).rejects.toThrow('has closed the connection');
    await expect(call(one)).rejects.toThrow('has closed the connection');
    expect(accepted).toBe(2);
  });
  it('tells that something else answers there', async () => {
    await listen((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await expect(call(object())).rejects.toThrow(BusAway);
  });
  it('waits no longer than it may, and makes another connection for the next call', async () => {
    let accepted = 0;
    await listen(() => {
      accepted += 1;
    });
    const one = object(50);
    await expect(call(one)).rejects.toThrow('org.ganesha.nfsd has not answered ShowExports within 50 ms');
    await expect(call(one)).rejects.toThrow(BusAway);
    expect(accepted).toBe(2);
  });
  it('does not wait for an answer that nobody wants any more', async () => {
    const abort = new AbortController();
    await listen(() => abort.abort(new Error('stop')));
    await expect(call(object(), abort.signal)).rejects.toThrow('stop');
    await expect(call(object(), AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
  });
  it('has no more calls under way than a bus allows, and does the others behind them', async () => {
    await listen((socket) => socket.end());
    const one = object();
    const results = await Promise.allSettled(Array.from({ length: 300 }, () => call(one)));
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(300);
  });
});
