import * as path from 'node:path';
import type { Express } from 'express';
import { Registry } from 'prom-client';
import request from 'supertest';
import { createApp } from '../../lib/gateway/app';
import type { Served } from '../../lib/gateway/health';
import { developmentIdentity } from '../../lib/gateway/identity-development';
import { type HostOptions, type LoadedExtension, loadExtension } from '../../lib/gateway/loaded-extension';
import { readManifest } from '../../lib/gateway/manifest';
import { ExtensionRegistry } from '../../lib/gateway/registry';
import type { ExtensionStatus } from '../../lib/ports/extension';

const GREETING = path.resolve(__dirname, '../fixtures/extensions/greeting/extension.json');
const QUIET = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const greeting = async (registry: ExtensionRegistry): Promise<LoadedExtension> => {
  const options = {
    identity: developmentIdentity,
    logger: QUIET,
    registerExtension: (entry: LoadedExtension['entry']) => registry.add(entry),
  };
  // as it stands, not by a native import: jest has none
  return loadExtension(readManifest(GREETING), options as unknown as HostOptions, async (file) => require(file));
};

/** The app with one extension. */
async function anApp({
  started = true,
  status = null,
  identity = developmentIdentity,
  logged = [],
}: {
  started?: boolean;
  status?: ExtensionStatus | null;
  identity?: typeof developmentIdentity;
  logged?: object[];
} = {}): Promise<Express> {
  const registry = new ExtensionRegistry();
  const extension = { ...(await greeting(registry)), status: async () => status };
  const served: Served = { extensions: [extension], started };
  return createApp({
    registry,
    identity,
    metrics: new Registry(),
    logger: { ...QUIET, error: (facts) => logged.push(facts) },
    base: () => 'http://gateway.example.org',
    served: () => served,
  });
}

const aStatus = (ready: boolean): ExtensionStatus => ({
  ready,
  database: { reachable: ready, message: ready ? null : 'connect ECONNREFUSED' },
  backends: [{ name: 'filer', driver: 'nfs', served: 'here', state: 'down', message: 'not mounted', lacks: ['quota'] }],
  bus: null,
  compute: null,
});

const ENTRY = readManifest(GREETING).entry;

describe('version documents', () => {
  it('are listed at / without a token', async () => {
    const { status, body } = await request(await anApp()).get('/');
    expect(status).toBe(300);
    expect(body.versions).toEqual([expect.objectContaining({ id: 'v2.0', status: 'CURRENT' })]);
  });

  it.each(['/v1.1', '/v1.1/'])('tell the version at %s, with a link that ends in /v1.1/', async (at) => {
    const { status, body } = await request(await anApp()).get(at);
    expect(status).toBe(200);
    expect(body.version).toMatchObject({
      id: 'v2.0',
      links: [{ rel: 'self', href: 'http://gateway.example.org/v1.1/' }],
    });
  });

  it('do not believe the Host header', async () => {
    const { text } = await request(await anApp())
      .get('/v1.1/')
      .set('Host', 'evil.example.org');
    expect(text).not.toContain('evil');
  });
});

describe('GET /v1.1/{tenant}/extensions', () => {
  it.each(['extensions', 'extension', 'extensions/'])('lists what is loaded, as /%s', async (spelling) => {
    const { status, body } = await request(await anApp()).get(`/v1.1/demo/${spelling}`);
    expect([status, body]).toEqual([200, { extensions: [ENTRY] }]);
  });

  it.each(['extensions', 'extension'])('shows one, as /%s/{alias}', async (spelling) => {
    const { status, body } = await request(await anApp()).get(`/v1.1/demo/${spelling}/os-greeting`);
    expect([status, body]).toEqual([200, { extension: ENTRY }]);
  });

  it('answers 404 for an alias that there is not', async () => {
    const { status, body } = await request(await anApp()).get('/v1.1/demo/extensions/os-none');
    expect(status).toBe(404);
    expect(body).toEqual({
      itemNotFound: { code: 404, message: 'There is no extension with the alias "os-none".' },
    });
  });

  it.each(['/v1.1/demo/EXTENSIONS', '/V1.1/demo/extensions', '/v1.1/demo/extensions/OS-greeting'])(
    'tells %s from it: paths are case-sensitive',
    async (at) => {
      expect((await request(await anApp()).get(at)).status).toBe(404);
    },
  );

  it('answers 401 to nobody', async () => {
    const { status, body } = await request(await anApp({ identity: () => null })).get('/v1.1/demo/extensions');
    expect([status, Object.keys(body)]).toEqual([401, ['unauthorized']]);
  });

  it("answers 400 in another project's URL, in Compute's words", async () => {
    const { status, body } = await request(await anApp())
      .get('/v1.1/demo/extensions')
      .set({ 'X-Project-Id': 'other', 'X-Roles': 'member' });
    expect(status).toBe(400);
    expect(body.badRequest.message).toBe(
      "Malformed request URL: URL's project_id 'demo' doesn't match Context's project_id 'other'",
    );
  });

  it("lets an administrator ask in any tenant's URL", async () => {
    const answer = await request(await anApp())
      .get('/v1.1/demo/extensions')
      .set('X-Project-Id', 'other');
    expect(answer.status).toBe(200);
  });

  it.each(['POST', 'PUT', 'DELETE', 'PATCH'] as const)('answers 405 to %s, with Allow', async (method) => {
    const { status, headers, body } = await request(await anApp())[
      method.toLowerCase() as 'post' | 'put' | 'delete' | 'patch'
    ]('/v1.1/demo/extensions');
    expect([status, headers.allow, Object.keys(body)]).toEqual([405, 'GET, HEAD, OPTIONS', ['badMethod']]);
  });

  it('answers OPTIONS without an identity', async () => {
    const { status, headers } = await request(await anApp({ identity: () => null })).options('/v1.1/demo/extensions');
    expect([status, headers.allow]).toEqual([204, 'GET, HEAD, OPTIONS']);
  });

  it('answers HEAD as GET, without the body', async () => {
    const { status, headers, text } = await request(await anApp()).head('/v1.1/demo/extensions');
    const length = String(JSON.stringify({ extensions: [ENTRY] }).length);
    expect([status, headers['content-length'], text]).toEqual([200, length, undefined]);
  });

  it('answers 406 where JSON is ruled out', async () => {
    const { status } = await request(await anApp())
      .get('/v1.1/demo/extensions')
      .set('Accept', 'text/html');
    expect(status).toBe(406);
  });

  it('takes an Accept that cannot be read for none', async () => {
    const { status } = await request(await anApp())
      .get('/v1.1/demo/extensions')
      .set('Accept', 'anything');
    expect(status).toBe(200);
  });

  it('answers 400 to a query parameter', async () => {
    expect((await request(await anApp()).get('/v1.1/demo/extensions?limit=1')).status).toBe(400);
  });

  it('has no answer of 304', async () => {
    const { status } = await request(await anApp())
      .get('/v1.1/demo/extensions')
      .set('If-None-Match', '*');
    expect(status).toBe(200);
  });
});

describe('an extension', () => {
  it('is mounted where its manifest says', async () => {
    const { status, body } = await request(await anApp()).get('/v1.1/demo/greeting');
    expect([status, body.greeting]).toEqual([200, 'Hello, demo']);
  });

  it('finds the request id that the caller is told', async () => {
    const { body, headers } = await request(await anApp()).get('/v1.1/demo/greeting');
    expect(body.requestId).toMatch(/^req-[0-9a-f-]{36}$/);
    expect([headers['x-openstack-request-id'], headers['x-compute-request-id']]).toEqual([
      body.requestId,
      body.requestId,
    ]);
  });

  it('is answered for with 503 while it starts', async () => {
    const { status, headers, body } = await request(await anApp({ started: false })).get('/v1.1/demo/greeting');
    expect([status, headers['retry-after'], Object.keys(body)]).toEqual([503, '1', ['serviceUnavailable']]);
  });

  it('has its failures logged, and not told', async () => {
    const logged: object[] = [];
    const { status, text, headers } = await request(await anApp({ logged })).get('/v1.1/demo/greeting/failure');
    expect([status, text.includes('secret'), Object.keys(JSON.parse(text))]).toEqual([500, false, ['computeFault']]);
    expect(logged).toEqual([expect.objectContaining({ requestId: headers['x-openstack-request-id'] })]);
  });
});

describe('any other path', () => {
  it.each(['/nowhere', '/v1.1/demo', '/v1.1/demo/nothing', '/v2.1/demo/extensions'])(
    'answers 404 at %s, in JSON',
    async (at) => {
      const { status, body } = await request(await anApp()).get(at);
      expect([status, Object.keys(body)]).toEqual([404, ['itemNotFound']]);
    },
  );

  it.each(['/%ZZ', '/v1.1/%ZZ/extensions', '/v1.1/demo/%E0%A4%A', '/v1.1/demo/extensions/%'])(
    'answers 400 at %s, which cannot be decoded, in JSON',
    async (at) => {
      const { status, body } = await request(await anApp()).get(at);
      expect([status, Object.keys(body)]).toEqual([400, ['badRequest']]);
    },
  );

  it('does not say what it is made with', async () => {
    expect((await request(await anApp()).get('/')).headers).not.toHaveProperty('x-powered-by');
  });
});

describe('/healthz and /readyz', () => {
  it('says that the process works, also while it starts', async () => {
    expect((await request(await anApp({ started: false })).get('/healthz')).status).toBe(200);
  });

  it('is ready, with the detail of a backend that is down', async () => {
    const { status: code, body } = await request(await anApp({ status: aStatus(true) })).get('/readyz');
    expect([code, body]).toEqual([200, { ready: true, extensions: [{ alias: 'os-greeting', ...aStatus(true) }] }]);
  });

  it('is not ready without its database', async () => {
    const { status: code, body } = await request(await anApp({ status: aStatus(false) })).get('/readyz');
    expect([code, body.ready]).toEqual([503, false]);
  });

  it('is not ready while it starts', async () => {
    const app = await anApp({ started: false, status: aStatus(true) });
    expect((await request(app).get('/readyz')).status).toBe(503);
  });

  it('is ready with an extension that does not say', async () => {
    expect((await request(await anApp()).get('/readyz')).status).toBe(200);
  });
});

describe('/metrics', () => {
  it('is in the text format of Prometheus', async () => {
    const { status, headers } = await request(await anApp()).get('/metrics');
    expect([status, headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
  });
});
