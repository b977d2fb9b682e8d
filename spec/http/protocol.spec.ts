import { request as plainRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import request from 'supertest';
import { createSharedFilesystemExtension, Unavailable } from '../../lib';
import { ADMIN, type Api, identityOfSpec, MEMBER, type SendOptions, startApi } from '../support/api';

describe('the protocol', () => {
  let api: Api;
  beforeAll(async () => {
    api = await startApi();
    await api.make('mydata', { size: '1Gb', scope: 'project' });
  });
  afterAll(() => api.stop());

  const get = (path: string, options: SendOptions = {}) => api.send('get', path, options);
  const BODY = { fs_entry: { size: '1Gb', scope: 'project' } };

  it('has a request id, and forbids caches, in every answer', async () => {
    for (const path of ['/os-filesystem', '/os-filesystem/none', '/os-filesystem?x=1']) {
      const { headers } = await get(path);
      expect(headers).toMatchObject({
        'x-openstack-request-id': expect.stringMatching(/^req-[0-9a-f-]{36}$/),
        'cache-control': 'no-store',
        vary: 'X-Auth-Token',
        'content-type': 'application/json',
      });
      expect(headers['x-compute-request-id']).toBe(headers['x-openstack-request-id']);
    }
  });

  it('does not take a request id from a header', async () => {
    const id = 'req-00000000-0000-0000-0000-000000000000';
    const { headers } = await get('/os-filesystem', { headers: { 'X-Openstack-Request-Id': id } });
    expect(headers['x-openstack-request-id']).not.toBe(id);
  });

  it.each(['/os-filesystem/DETAIL', '/OS-FILESYSTEM', '/os-filesystem/mydata/Instances', '/Extensions'])(
    'is exact about the case of %s',
    async (path) => {
      const answer = await get(path);
      expect(answer.status).toBe(404);
    },
  );

  it('ignores one slash at the end of a path, and not two', async () => {
    for (const path of ['/os-filesystem/', '/os-filesystem/detail/', '/os-filesystem/mydata/', '/extensions/'])
      expect((await get(path)).status).toBe(200);
    expect((await get('/os-filesystem//')).body).toEqual({ host: 'not found' });
  });

  it.each(['/os-filesystem/x/foo', '/os-filesystem/x/instances/y/z', '/servers', '/os-filesystems', '/'])(
    'leaves %s to the host',
    async (path) => {
      expect((await get(path, { as: null })).body).toEqual({ host: 'not found' });
    },
  );

  it('answers a path that cannot be decoded with its own 400', async () => {
    const answer = await get('/os-filesystem/%ZZ');
    expect(answer.body).toMatchObject({ badRequest: { code: 400 } });
  });

  it('answers HEAD as GET without the body', async () => {
    const [head, whole] = [await api.send('head', '/os-filesystem/mydata'), await get('/os-filesystem/mydata')];
    expect(head.status).toBe(200);
    expect(head.text).toBeUndefined();
    expect(head.headers['content-length']).toBe(whole.headers['content-length']);
    expect(head.headers.etag).toBe(whole.headers.etag);
  });

  it.each([
    ['/os-filesystem', 'GET, HEAD, OPTIONS'],
    ['/os-filesystem/mydata', 'GET, PUT, DELETE, HEAD, OPTIONS'],
    ['/os-filesystem/_events', 'POST, OPTIONS'],
    ['/os-filesystem/mydata/instances/x', 'GET, PUT, DELETE, HEAD, OPTIONS'],
    ['/extensions', 'GET, HEAD, OPTIONS'],
  ])('tells what %s allows: %s', async (path, allow) => {
    const options = await api.send('options', path, { as: null });
    expect([options.status, options.headers.allow, options.text]).toEqual([204, allow, '']);
    const other = await api.send('patch', path);
    expect([other.status, other.headers.allow]).toEqual([405, allow]);
    expect(other.body).toMatchObject({ badMethod: { code: 405 } });
  });

  describe('bodies', () => {
    const put = (body: string, headers: Record<string, string>) =>
      api.send('put', '/os-filesystem/other', { body, headers });
    const json = JSON.stringify(BODY);

    it.each<[string, Record<string, string>]>([
      ['text', { 'Content-Type': 'text/plain' }],
      ['a form', { 'Content-Type': 'application/x-www-form-urlencoded' }],
      ['JSON by another name', { 'Content-Type': 'application/jsonx' }],
      ['an encoding', { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' }],
      ['another charset', { 'Content-Type': 'application/json; charset=latin1' }],
    ])('are 415 for %s', async (_, headers) => {
      expect((await put(json, headers)).body).toMatchObject({ badMediaType: { code: 415 } });
    });

    it('are 415 without a type', async () => {
      const { address, close } = await listening();
      const status = await new Promise((resolve, reject) => {
        const sent = plainRequest(
          {
            port: address.port,
            path: '/v1.1/demo/os-filesystem/x',
            method: 'PUT',
            headers: { 'x-spec-caller': JSON.stringify(MEMBER) },
          },
          (answer) => {
            answer.resume();
            resolve(answer.statusCode);
          },
        );
        sent.on('error', reject);
        sent.end(json);
      });
      expect(status).toBe(415);
      await close();
    });

    it.each(['{"fs_entry"', '{]', 'undefined', '{"a":1}}'])('are 400 for %s', async (body) => {
      const answer = await put(body, { 'Content-Type': 'application/json' });
      expect(answer.body).toMatchObject({ badRequest: { message: 'The body is not JSON that can be read.' } });
    });

    it('are 413 above 64 KiB', async () => {
      const answer = await put(`"${'x'.repeat(65 * 1024)}"`, { 'Content-Type': 'application/json' });
      expect(answer.body).toMatchObject({ overLimit: { code: 413 } });
    });

    it('of GET and DELETE are ignored', async () => {
      expect(
        (await get('/os-filesystem/mydata', { body: 'x', headers: { 'Content-Type': 'text/plain' } })).status,
      ).toBe(200);
    });
  });

  it.each([
    ['text/html', 406],
    ['application/xml', 406],
    ['application/json;q=0', 406],
    ['application/*', 200],
    ['text/html, */*;q=0.1', 200],
    ['application/json; charset=utf-8', 200],
    ['nonsense', 200],
    ['', 200],
  ])('answers Accept: %s with %p', async (accept, status) => {
    expect((await get('/os-filesystem', { headers: { Accept: accept } })).status).toBe(status);
  });

  describe('identity', () => {
    it('is needed', async () => {
      expect((await get('/os-filesystem', { as: null })).body).toMatchObject({ unauthorized: { code: 401 } });
      expect((await get('/os-filesystem', { as: { projectId: '' }, tenant: 'demo' })).status).toBe(401);
    });

    it('must be of the tenant in the URL, but for an administrator', async () => {
      const answer = await get('/os-filesystem', { tenant: 'other' });
      expect(answer.body.badRequest.message).toBe(
        "Malformed request URL: URL's project_id 'other' doesn't match Context's project_id 'demo'",
      );
      expect((await get('/os-filesystem', { tenant: 'other', as: ADMIN })).status).toBe(200);
    });
  });

  it('checks in the order of the contract', async () => {
    const path = '/os-filesystem/mydata';
    const headers = { Accept: 'text/html', 'Content-Type': 'text/plain', 'If-Match': '"9-x"' };
    const body = 'x'.repeat(70_000);
    const order: [number, 'put' | 'patch', SendOptions][] = [
      [401, 'patch', { as: null, headers, body }],
      [400, 'patch', { tenant: 'other', headers, body }],
      [405, 'patch', { headers, body }],
      [406, 'put', { headers, body }],
      [415, 'put', { headers: { ...headers, Accept: '*/*' }, body }],
      [413, 'put', { headers: { ...headers, Accept: '*/*', 'Content-Type': 'application/json' }, body }],
      [400, 'put', { headers: { 'If-Match': '"9-x"' }, body: {}, as: { projectId: 'other' } }],
      [403, 'put', { headers: { 'If-Match': '"9-x"' }, body: BODY, as: { roles: [] } }],
      [412, 'put', { headers: { 'If-Match': '"9-x"' }, body: BODY, as: ADMIN }],
      [409, 'put', { body: BODY, as: ADMIN }],
    ];
    for (const [status, method, options] of order) {
      const answer = await api.send(method, path, options);
      expect([status, answer.status, answer.text]).toEqual([status, status, answer.text]);
    }
  });

  describe('a host', () => {
    const failing = async (identity: Parameters<typeof startApi>[0]) => {
      const other = await startApi(identity);
      const answer = await other.send('get', '/os-filesystem');
      await other.stop();
      return answer;
    };

    it('whose identity fails is 500 without a word of it', async () => {
      const answer = await failing({
        identity: () => {
          throw new Error('keystone said: token gAAAA');
        },
      });
      expect(answer.status).toBe(500);
      expect(answer.text).not.toContain('gAAAA');
      expect(answer.body).toMatchObject({ computeFault: { code: 500 } });
    });

    it('whose identity is out of reach is 503 with Retry-After', async () => {
      const answer = await failing({
        identity: async () => Promise.reject(new Unavailable('Keystone is out of reach.')),
      });
      expect([answer.status, answer.headers['retry-after']]).toEqual([503, expect.stringMatching(/^\d+$/)]);
    });

    it('that has not started the extension is answered 503, and so is one without a database', async () => {
      const { app, extension } = await notStarted('postgres://nobody@127.0.0.1:1/none');
      const answer = await request(app).get('/v1.1/demo/os-filesystem').set('x-spec-caller', JSON.stringify(MEMBER));
      expect(answer.body).toMatchObject({ serviceUnavailable: { code: 503 } });
      expect(answer.headers['retry-after']).toBeDefined();
      expect(await extension.status()).toMatchObject({ ready: false });
    });
  });

  async function listening() {
    const app = express();
    app.use('/v1.1/:tenant', api.extension.router);
    const server = app.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    return {
      address: server.address() as AddressInfo,
      close: () => new Promise((resolve) => server.close(resolve)),
    };
  }

  async function notStarted(connectionString: string) {
    const extension = await createSharedFilesystemExtension({
      database: { connectionString },
      identity: identityOfSpec,
    });
    const app = express();
    app.use('/v1.1/:tenant', extension.router);
    return { app, extension };
  }
});
