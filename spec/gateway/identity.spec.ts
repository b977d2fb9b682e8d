import express from 'express';
import request from 'supertest';
import { developmentIdentity } from '../../lib/gateway/identity-development';
import { headerIdentity } from '../../lib/gateway/identity-headers';
import type { IdentityOf } from '../../lib/ports/host';

/** Mounted as an extension is, so that the request looks as it does to one. */
const telling = (identityOf: IdentityOf) =>
  express().use(
    '/v1.1/:tenant',
    express.Router().get('/me', async (req, res) => res.json(await identityOf(req))),
  );

const asked = async (proxies: readonly string[], headers: Record<string, string>) =>
  (
    await request(telling(headerIdentity(proxies)))
      .get('/v1.1/demo/me')
      .set(headers)
  ).body;

describe('developmentIdentity', () => {
  const app = telling(developmentIdentity);

  it('takes the caller for an administrator of the tenant in the URL', async () => {
    const { body } = await request(app).get('/v1.1/demo/me');
    expect(body).toEqual({ projectId: 'demo', userId: 'development', roles: ['admin'], isAdmin: true });
  });

  it('reads the tenant decoded', async () => {
    const { body } = await request(app).get('/v1.1/a%20b/me');
    expect(body.projectId).toBe('a b');
  });

  it.each([
    ['X-Project-Id', 'other', { projectId: 'other', isAdmin: true }],
    ['X-User-Id', 'alice', { projectId: 'demo', userId: 'alice', isAdmin: true }],
    ['X-Roles', 'Member, reader', { projectId: 'demo', roles: ['member', 'reader'], isAdmin: false }],
    ['X-Roles', 'member,admin', { roles: ['member', 'admin'], isAdmin: true }],
    ['X-Roles', '', { projectId: 'demo', roles: [], isAdmin: false }],
  ])('lets %s: %s replace its own part', async (name, value, expected) => {
    const { body } = await request(app).get('/v1.1/demo/me').set(name, value);
    expect(body).toMatchObject(expected);
  });
});

describe('headerIdentity', () => {
  const LOOPBACK = ['127.0.0.0/8', '::1/128'];
  const CONFIRMED = {
    'X-Identity-Status': 'Confirmed',
    'X-Project-Id': 'demo',
    'X-User-Id': 'alice',
    'X-Roles': 'member',
  };

  it('believes a trusted proxy', async () => {
    expect(await asked(LOOPBACK, CONFIRMED)).toEqual({
      projectId: 'demo',
      userId: 'alice',
      roles: ['member'],
      isAdmin: false,
    });
  });

  it('knows an administrator by the role', async () => {
    expect(await asked(LOOPBACK, { ...CONFIRMED, 'X-Roles': 'reader,admin' })).toMatchObject({ isAdmin: true });
  });

  it('believes nobody else', async () => {
    expect(await asked(['10.0.0.0/8', '::2'], CONFIRMED)).toBeNull();
  });

  it.each([
    ['another status', { ...CONFIRMED, 'X-Identity-Status': 'Invalid' }],
    ['no project', { ...CONFIRMED, 'X-Project-Id': '' }],
    ['no status', { 'X-Project-Id': 'demo' }],
    ['nothing', {}],
  ])('takes a caller with %s for nobody', async (_what, headers) => {
    expect(await asked(LOOPBACK, headers)).toBeNull();
  });

  it('gives no role to a caller without any', async () => {
    const { 'X-Roles': _roles, ...headers } = CONFIRMED;
    expect(await asked(LOOPBACK, headers)).toMatchObject({ roles: [], isAdmin: false });
  });

  it('takes a header that is there twice for none', async () => {
    const app = telling(headerIdentity(LOOPBACK));
    const { body } = await request(app)
      .get('/v1.1/demo/me')
      .set(CONFIRMED)
      .set('X-Project-Id', ['demo', 'other'] as unknown as string);
    expect(body).toBeNull();
  });

  it('knows an IPv4 proxy that an IPv6 socket shows as mapped', () => {
    const identityOf = headerIdentity(['10.0.0.0/8']);
    const headersDistinct = { 'x-identity-status': ['Confirmed'], 'x-project-id': ['demo'] };
    const from = (remoteAddress: string) => identityOf({ socket: { remoteAddress }, headersDistinct } as never);
    expect([from('::ffff:10.1.2.3'), from('::ffff:11.1.2.3')]).toEqual([
      expect.objectContaining({ projectId: 'demo' }),
      null,
    ]);
  });

  it.each(['10.0.0.0/33', 'proxy', '10.0.0.0/8/8', '10.0.0.0/', '::1/129', '10.0.0.0/-1'])(
    'refuses the range %s',
    (range) => {
      expect(() => headerIdentity([range])).toThrow(`"${range}" is no range of addresses`);
    },
  );
});
