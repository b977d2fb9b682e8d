import type { Server } from 'node:http';
import express from 'express';
import express4 from 'express4';
import request from 'supertest';
import {
  createSharedFilesystemExtension,
  type SharedFilesystemExtension,
  type SharedFilesystemOptions,
} from '../../lib';
import { identityOfSpec, MEMBER } from '../support/api';
import { type FreshDatabase, freshDatabase } from '../support/database';

const CALLER = { 'x-spec-caller': JSON.stringify(MEMBER) };
const BODY = { fs_entry: { size: '1Gb', scope: 'project' } };

describe.each([
  ['Express 4', express4],
  ['Express 5', express],
])('a host on %s', (_, framework) => {
  let database: FreshDatabase;
  const extensions: SharedFilesystemExtension[] = [];
  beforeEach(async () => {
    database = await freshDatabase();
  });
  afterEach(async () => {
    for (const each of extensions.splice(0)) await each.stop();
    await database.drop();
  });

  const extend = async (options: Partial<SharedFilesystemOptions> = {}) => {
    const extension = await createSharedFilesystemExtension({
      database: { connectionString: database.url },
      identity: identityOfSpec,
      ...options,
    });
    extensions.push(extension);
    return extension;
  };
  const send = (app: express.Express | Server, method: 'get' | 'put' | 'post', path: string) =>
    request(app)[method](path).set(CALLER);

  it('mounts it in a few lines', async () => {
    const app = framework();
    const extension = await extend();
    app.use('/v1.1/:tenant', extension.router);
    await extension.start();
    const made = await send(app, 'put', '/v1.1/demo/os-filesystem/mydata').send(BODY);
    expect([made.status, made.headers.location]).toEqual([201, '/v1.1/demo/os-filesystem/mydata']);
    expect((await send(app, 'get', '/v1.1/demo/extensions')).body.extensions).toEqual([extension.entry]);
    expect((await send(app, 'get', '/v1.1/demo/extension/os-shared-filesystem')).body).toEqual({
      extension: extension.entry,
    });
    expect((await send(app, 'get', '/v1.1/demo/extensions/else')).status).toBe(404);
  });

  it('mounts it anywhere', async () => {
    const app = framework();
    const outer = framework.Router({ mergeParams: true });
    const extension = await extend({ publicUrl: 'https://compute.example.org' });
    outer.use('/compute/:tenant', extension.router);
    app.use('/api', outer);
    await extension.start();
    const made = await send(app, 'put', '/api/compute/demo/os-filesystem/mydata').send(BODY);
    expect(made.headers.location).toBe('https://compute.example.org/api/compute/demo/os-filesystem/mydata');
  });

  it('keeps a registry of its own', async () => {
    const app = framework();
    const registry: unknown[] = [];
    const extension = await extend({ registerExtension: (entry) => registry.push(entry) });
    app.use('/v1.1/:tenant', extension.router);
    app.get('/v1.1/:tenant/extensions', (_request, response) => void response.json({ all: registry }));
    await extension.start();
    expect((await send(app, 'get', '/v1.1/demo/extensions')).body).toEqual({ all: [extension.entry] });
  });

  it('has two of them in one process, each with its own schema', async () => {
    const app = framework();
    const [one, other] = [
      await extend(),
      await extend({ database: { connectionString: database.url, schema: 'another' } }),
    ];
    app.use('/one/:tenant', one.router);
    app.use('/other/:tenant', other.router);
    await Promise.all([one.start(), other.start()]);
    await send(app, 'put', '/one/demo/os-filesystem/mydata').send(BODY);
    expect((await send(app, 'get', '/one/demo/os-filesystem')).body.fs_entries).toHaveLength(1);
    expect((await send(app, 'get', '/other/demo/os-filesystem')).body.fs_entries).toEqual([]);
    expect((await send(app, 'put', '/other/demo/os-filesystem/mydata').send(BODY)).status).toBe(201);
  });

  it('has others beside it, whose paths and bodies stay untouched', async () => {
    const app = framework();
    const extension = await extend();
    app.use('/v1.1/:tenant', extension.router);
    app.post('/v1.1/:tenant/servers', framework.raw({ type: '*/*' }), ({ body, params }, response) => {
      response.json({ length: body.length, tenant: params.tenant });
    });
    app.get('/v1.1/:tenant/os-filesystem/x/foo', (_request, response) => void response.json({ foo: true }));
    await extension.start();
    const sent = await send(app, 'post', '/v1.1/demo/servers')
      .set('Content-Type', 'application/json')
      .send('{"not json');
    expect(sent.body).toEqual({ length: 10, tenant: 'demo' });
    expect((await send(app, 'get', '/v1.1/demo/os-filesystem/x/foo')).body).toEqual({ foo: true });
  });

  it('may have read the body already', async () => {
    const app = framework();
    const extension = await extend();
    app.use(framework.json());
    app.use('/v1.1/:tenant', extension.router);
    await extension.start();
    expect((await send(app, 'put', '/v1.1/demo/os-filesystem/mydata').send(BODY)).status).toBe(201);
    expect((await send(app, 'put', '/v1.1/demo/os-filesystem/none')).status).toBe(400);
  });

  it('gives the request id', async () => {
    const app = framework();
    const extension = await extend();
    const id = 'req-12345678-1234-1234-1234-123456789abc';
    app.use((given, _response, next) => {
      Object.assign(given, { id });
      next();
    });
    app.use('/v1.1/:tenant', extension.router);
    await extension.start();
    expect((await send(app, 'get', '/v1.1/demo/os-filesystem')).headers['x-openstack-request-id']).toBe(id);
  });

  it('can stop it and start it again', async () => {
    const app = framework();
    const extension = await extend();
    app.use('/v1.1/:tenant', extension.router);
    await extension.start();
    await extension.stop();
    expect((await send(app, 'get', '/v1.1/demo/os-filesystem')).status).toBe(503);
    await extension.start();
    expect((await send(app, 'get', '/v1.1/demo/os-filesystem')).status).toBe(200);
  });
});

describe('createSharedFilesystemExtension', () => {
  const options = { database: { connectionString: 'postgres://127.0.0.1:1/none' }, identity: identityOfSpec };

  it.each<[string, Partial<SharedFilesystemOptions>, RegExp]>([
    [
      'a schema that is none',
      { database: { connectionString: '', schema: 'Has Blanks' } },
      /Invalid schema "Has Blanks"/,
    ],
    ['a network that is none', { networks: ['10.0.0.0'] }, /Invalid network "10\.0\.0\.0"/],
    ['an unknown driver', { backends: [{ name: 'a', driver: 'smb' }] }, /backend "a": setting "driver"/],
  ])('refuses %s at once', async (_, wrong, message) => {
    await expect(createSharedFilesystemExtension({ ...options, ...wrong })).rejects.toThrow(message);
  });

  it('refuses two backends of one name', async () => {
    const backend = {
      name: 'a',
      driver: 'nfs',
      server: 'exports-file',
      volumes: { kind: 'directory', root: '/nowhere' },
      exports: { directory: '/nowhere', exportAddress: '192.0.2.1' },
    };
    await expect(createSharedFilesystemExtension({ ...options, backends: [backend, backend] })).rejects.toThrow(
      /Two backends are named "a"/,
    );
  });

  it('does not start without its database, and says so', async () => {
    const extension = await createSharedFilesystemExtension(options);
    await expect(extension.start()).rejects.toThrow(/database is out of reach/);
  });
});
