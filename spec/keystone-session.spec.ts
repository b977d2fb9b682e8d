import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type KeystoneLogin, KeystoneSession } from '../lib/keystone-session';
import { HandClock } from './support/hand-clock';

const { signal } = new AbortController();
const PASSWORD: KeystoneLogin = {
  kind: 'password',
  username: 'us',
  password: 'secret-word',
  userDomainName: 'Default',
  projectName: 'storage',
  projectDomainName: 'Default',
};
/** Keystone's clock is not ours. */
const ISSUED = '2001-01-01T00:00:00.000000Z';
const ENDS = '2001-01-01T01:00:00.000000Z';

describe('KeystoneSession', () => {
  let server: Server;
  let clock: HandClock;
  let asked: { path: string; body: unknown }[];
  let answer: { status: number; token?: string; body: unknown };
  beforeEach(async () => {
    clock = new HandClock();
    asked = [];
    answer = { status: 201, body: { token: { issued_at: ISSUED, expires_at: ENDS, project: { id: 'p-1' } } } };
    server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk) => {
        text += String(chunk);
      });
      request.on('end', () => {
        asked.push({ path: request.url ?? '', body: JSON.parse(text) });
        response.writeHead(answer.status, { 'X-Subject-Token': answer.token ?? `token-${asked.length}` });
        response.end(JSON.stringify(answer.body));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/v3`;
  const session = (login: KeystoneLogin = PASSWORD) => new KeystoneSession(url(), login, clock);

  it('logs in with a password for a project, once for all who ask', async () => {
    const one = session();
    const tokens = await Promise.all([one.token(signal), one.token(signal), one.token(signal)]);
    expect(new Set(tokens.map(({ text, projectId }) => `${text} of ${projectId}`))).toEqual(
      new Set(['token-1 of p-1']),
    );
    expect(asked).toEqual([
      {
        path: '/v3/auth/tokens?nocatalog',
        body: {
          auth: {
            identity: {
              methods: ['password'],
              password: { user: { name: 'us', password: 'secret-word', domain: { name: 'Default' } } },
            },
            scope: { project: { name: 'storage', domain: { name: 'Default' } } },
          },
        },
      },
    ]);
  });

  it('logs in with an application credential, whose project it is for', async () => {
    await session({ kind: 'application-credential', id: 'c-1', secret: 'word' }).token(signal);
    const identity = { methods: ['application_credential'], application_credential: { id: 'c-1', secret: 'word' } };
    expect(asked[0]?.body).toEqual({ auth: { identity } });
  });

  it('renews the token a minute before it ends, and not earlier', async () => {
    const one = session();
    await one.token(signal);
    clock.advance(58 * 60_000);
    expect((await one.token(signal)).text).toBe('token-1');
    clock.advance(60_001);
    expect((await one.token(signal)).text).toBe('token-2');
  });

  it('gets another one for a token that was not accepted, and for that one alone', async () => {
    const one = session();
    const first = await one.token(signal);
    one.distrust(first);
    const second = await one.token(signal);
    one.distrust(first); // somebody who is late
    expect([second.text, (await one.token(signal)).text]).toEqual(['token-2', 'token-2']);
  });

  it('tries again after a failure', async () => {
    const one = session();
    const { body } = answer;
    answer = { status: 503, body: {} };
    await expect(one.token(signal)).rejects.toThrow('Keystone answers 503 to the log-in.');
    answer = { status: 201, body };
    expect((await one.token(signal)).projectId).toBe('p-1');
  });

  it('tells neither what was sent nor what Keystone says', async () => {
    answer = { status: 401, body: { error: { message: 'a whole token, and secret-word' } } };
    const error = await session()
      .token(signal)
      .catch((each: unknown) => String(each));
    expect(error).toContain('does not accept the credentials (401)');
    expect(error).not.toContain('secret-word');
  });

  it.each([
    ['without a project', { token: { issued_at: ISSUED, expires_at: ENDS } }],
    ['that ended before it began', { token: { issued_at: ENDS, expires_at: ISSUED, project: { id: 'p' } } }],
    ['of no time', { token: { project: { id: 'p' } } }],
    ['that is null', { token: null }],
    ['that is none', []],
  ])('takes no token %s', async (_, body) => {
    answer = { status: 201, body };
    await expect(session().token(signal)).rejects.toThrow('is no token for a project');
  });

  it('takes no token that would be more than one header', async () => {
    answer = { ...answer, token: 'a b' };
    await expect(session().token(signal)).rejects.toThrow('is no token for a project');
  });

  it('is given up by one who waits no longer, not by the others', async () => {
    const one = session();
    const attempt = new AbortController();
    const [gone, stays] = [one.token(attempt.signal), one.token(signal)];
    attempt.abort(new Error('stop'));
    await expect(gone).rejects.toThrow('stop');
    expect((await stays).text).toBe('token-1');
  });
});
