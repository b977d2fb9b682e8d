import { EventEmitter, once } from 'node:events';
import { Agent, get } from 'node:http';
import { listen } from '../../lib/gateway/listener';

const LOCAL = { host: '127.0.0.1', port: 0, loopbackOnly: true };

describe('listen', () => {
  it('tells the port that it got', async () => {
    const listener = await listen(LOCAL, (_request, response) => response.end('here'));
    const answer = await fetch(listener.url);
    expect(await answer.text()).toBe('here');
    await listener.close();
  });

  it('writes an IPv6 address as URLs do', async () => {
    const listener = await listen({ ...LOCAL, host: '::1' }, (_request, response) => response.end());
    expect(listener.url).toMatch(/^http:\/\/\[::1\]:\d+$/);
    await listener.close();
  });

  it('says in one line that a port is in use', async () => {
    const first = await listen(LOCAL, () => {});
    const { port } = new URL(first.url);
    await expect(listen({ ...LOCAL, port: Number(port) }, () => {})).rejects.toThrow(
      `Port ${port} of 127.0.0.1 is in use: stop what listens there, or choose another PORT.`,
    );
    await first.close();
  });

  it.each(['0.0.0.0', '::', '192.0.2.1'])('refuses %s where only loopback will do', async (host) => {
    await expect(listen({ ...LOCAL, host }, () => {})).rejects.toThrow(/listens on loopback addresses alone/);
  });

  it('names an address that is not of this machine', async () => {
    await expect(listen({ ...LOCAL, host: '192.0.2.1', loopbackOnly: false }, () => {})).rejects.toThrow(
      '192.0.2.1 is no address of this machine: choose another HOST.',
    );
  });

  it('lets requests end that are under way, and closes their connections', async () => {
    const arrivals = new EventEmitter();
    const listener = await listen(LOCAL, (_request, response) => arrivals.emit('request', response));
    const agent = new Agent({ keepAlive: true });
    const answered = once(get(listener.url, { agent }), 'response');
    const [open] = await once(arrivals, 'request');
    const drained = listener.drain();
    open.end('done');
    const [answer] = await answered;
    answer.resume();
    await drained;
    await listener.close();
    expect(answer.statusCode).toBe(200);
    agent.destroy();
  });

  it('takes no more connections once it drains', async () => {
    const listener = await listen(LOCAL, (_request, response) => response.end());
    await listener.drain();
    await expect(fetch(listener.url)).rejects.toThrow('fetch failed');
    await listener.close();
  });

  it('cuts off at the end what does not end', async () => {
    const arrivals = new EventEmitter();
    const listener = await listen(LOCAL, (_request, response) => arrivals.emit('request', response));
    const cut = once(get(listener.url), 'error');
    await once(arrivals, 'request');
    await listener.drain();
    await listener.close();
    expect(await cut).toEqual([expect.objectContaining({ code: 'ECONNRESET' })]);
  });
});
