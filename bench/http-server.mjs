// The process that is measured: our router on one port, on the other a bare Express with the statements that ours was recorded to send.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import pg from 'pg';

const require = createRequire(import.meta.url);
const { createSharedFilesystemExtension } = require('../dist/lib/index.js');
const { startEmbeddedPostgres } = require('../dist/lib/store/embedded-postgres.js');

const identity = () => ({ projectId: 'demo', userId: 'user', roles: ['member'], isAdmin: false });
let stop = async () => {};

/** What `work` makes pg send, in order. */
async function record(work) {
  const sent = [];
  const { query } = pg.Client.prototype;
  pg.Client.prototype.query = function recorded(config, values, ...rest) {
    const text = typeof config === 'string' ? config : config.text;
    const bound = (typeof config === 'string' ? values : config.values) ?? [];
    // keep-alives of the service's own loops are not the request's
    if (text && !/listen |heartbeat|clock_timestamp|from instances where id in/.test(text))
      sent.push({ text, values: Array.isArray(bound) ? bound : [], ...(config.name ? { name: config.name } : {}) });
    return query.call(this, config, values, ...rest);
  };
  await work();
  pg.Client.prototype.query = query;
  return sent;
}

async function start() {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const postgres = await startEmbeddedPostgres(join(folder, 'postgres'));
  const extension = await createSharedFilesystemExtension({
    database: { connectionString: postgres.url(), poolSize: 8 },
    identity,
    networks: null,
  });
  await extension.start();
  const app = express();
  app.use('/v1.1/:tenant', extension.router);
  const ours = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => ours.once('listening', resolve));
  const base = `http://127.0.0.1:${ours.address().port}/v1.1/demo/os-filesystem`;

  const put = async (path, body) => {
    const answer = await fetch(`${base}/${path}`, {
      method: 'PUT',
      ...(body ? { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } } : {}),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  const know = (ids) =>
    extension.instances.report(ids.map((id, index) => ({ id, project: 'demo', state: 'live', addresses: [`10.${Math.floor(Math.random() * 200)}.${Math.floor(Math.random() * 250)}.${index % 250}`] })));
  await put('shown', { fs_entry: { size: '4Gb', scope: 'project' } });
  await put('connected', { fs_entry: { size: '4Gb', scope: 'instance' } });
  await extension.instances.report(
    Array.from({ length: 10 }, (_, index) => ({ id: `shown-${index}`, project: 'demo', state: 'live', addresses: [`10.250.0.${index + 1}`] })),
  );
  for (let index = 0; index < 120; index += 1) await put(`a${String(index).padStart(3, '0')}`, { fs_entry: { size: '4Gb', scope: 'project' } });

  await know(['sentinel-instance']);
  const get = async (path) => (await fetch(`${base}${path}`)).text();
  const recorded = {
    show: await record(() => get('/shown')),
    list: await record(() => get('?limit=100')),
    create: await record(() => put('sentinel-name', { fs_entry: { size: '4Gb', scope: 'project' } })),
    connect: await record(() => put('connected/instances/sentinel-instance')),
  };
  for (const [name, statements] of Object.entries(recorded)) if (statements.length === 0) throw new Error(`${name}: nothing was recorded`);

  const pool = new pg.Pool({ connectionString: postgres.url(), max: 8, options: '-c search_path=shared_filesystem' });
  await pool.query('select 1');
  const bareApp = bareServer(pool, recorded);
  const bare = bareApp.listen(0, '127.0.0.1');
  await new Promise((resolve) => bare.once('listening', resolve));

  stop = async () => {
    ours.close();
    bare.close();
    await extension.stop();
    await pool.end();
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return { value: { ours: ours.address().port, bare: bare.address().port }, know };
}

/** Express, pg and JSON, nothing else: the floor under any server of these requests. */
function bareServer(pool, recorded) {
  const app = express();
  app.use(express.json());
  const read = (statements) => async (_, response) => {
    let rows;
    for (const statement of statements) ({ rows } = await pool.query(statement));
    response.json({ entries: rows });
  };
  /** The recorded transaction, with the sentinel replaced, and new ids for recorded ones. */
  const write = (statements, sentinel) => async (request, response) => {
    const client = await pool.connect();
    const id = randomUUID();
    let rows = [];
    for (const { values, ...statement } of statements) {
      const bound = values.map((value) => (value === sentinel ? request.params.id : isNewId(value, statements) ? id : value));
      const result = await client.query({ ...statement, values: bound });
      if (result.rows?.length) rows = result.rows;
    }
    client.release();
    response.status(201).json({ entry: rows[0] ?? request.body });
  };
  app.get('/v1.1/:tenant/os-filesystem/shown', read(recorded.show));
  app.get('/v1.1/:tenant/os-filesystem', read(recorded.list));
  app.put('/v1.1/:tenant/os-filesystem/:id', write(recorded.create, 'sentinel-name'));
  app.put('/v1.1/:tenant/os-filesystem/connected/instances/:id', write(recorded.connect, 'sentinel-instance'));
  return app;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;
/** An id that this request itself made: the first value of the insert of a filesystem. */
const isNewId = (value, statements) =>
  typeof value === 'string' && UUID.test(value) && statements.some(({ text, values }) => /insert into filesystems/.test(text) && values[0] === value);

let know;
process.on('message', async ({ id, what, detail }) => {
  const reply = (value) => process.send({ id, value });
  switch (what) {
    case 'start': {
      const started = await start();
      know = started.know;
      return reply(started.value);
    }
    case 'know':
      await know(detail);
      return reply(null);
    case 'cpu': {
      const { user, system } = process.cpuUsage();
      return reply(user + system);
    }
    case 'stop':
      await stop();
      return reply(null);
  }
});
