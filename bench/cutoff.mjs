// From Nova's notification of a deletion to the first refusal of a client that works on an open file, on a real NFS-Ganesha, and what its
// neighbour notices. Root, and what spec/e2e/storage/install.sh installs: `node bench/cutoff.mjs`, after `npm run build`.
import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
require('../spec/support/run-typescript.cjs');
const { DbusObject } = require('../lib/drivers/nfs/dbus.ts');
const { EXPORT_MANAGER, ExportManager } = require('../lib/drivers/nfs/export-manager.ts');
const { StorageLab } = require('../spec/e2e/storage/lab.ts');
const { Ganesha } = require('../spec/e2e/storage/ganesha.ts');
const { NfsClients, USER } = require('../spec/e2e/storage/nfs-client.ts');

const RUNS = Number(process.env.RUNS ?? 100);
/** Apart, so that each is the first change after rest. */
const PAUSE_MILLISECONDS = 600;
const { signal } = new AbortController();

const lab = await StorageLab.make({ instances: 2 });
let server;
try {
  const ganesha = new Ganesha(lab);
  await ganesha.start();
  const clients = await NfsClients.make(lab);
  server = fork(fileURLToPath(new URL('./event-server.mjs', import.meta.url)), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, BENCH_BACKEND: JSON.stringify(ganesha.backend('filer1', join(lab.folder, 'volumes'))) },
  });
  const { port } = await new Promise((resolve) => server.once('message', resolve));
  const call = async (method, path, body) => {
    const answer = await fetch(`http://127.0.0.1:${port}/v1.1/p0${path}`, {
      method,
      headers: { 'content-type': 'application/json', prefer: 'wait=20' },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  };
  const say = (event, id, { ipv4 }) =>
    call('POST', '/os-filesystem/_events', {
      event_type: `compute.instance.${event}`,
      message_id: randomUUID(),
      publisher_id: 'compute',
      priority: 'INFO',
      timestamp: new Date().toISOString(),
      payload: { instance_id: id, tenant_id: 'p0', state: event === 'create.end' ? 'active' : 'deleting', fixed_ips: [{ address: ipv4, type: 'fixed' }] },
    });
  const applied = async (count) => {
    for (;;) {
      const { access } = (await call('GET', '/os-filesystem/shared')).fs_entry;
      if (access.applied === count && access.state === 'current') return;
      await wait(20);
    }
  };
  console.log(`${cpus().length} × ${cpus()[0].model}, Node ${process.version}, NFS-Ganesha 4.3\n`);

  const { id, export_location: location } = (await call('PUT', '/os-filesystem/shared', { fs_entry: { size: '1Gb', scope: 'project' } })).fs_entry;
  const [leavingPlace, stayingPlace] = lab.instances;
  let leavingId = randomUUID();
  await say('create.end', randomUUID(), stayingPlace);
  await say('create.end', leavingId, leavingPlace);
  await applied(2);
  const leaving = await clients.loop(leavingPlace, location, USER, '/leaving');
  const staying = await clients.loop(stayingPlace, location, USER, '/staying');
  await wait(1_000);
  await staying.mark();

  // what the neighbour has when nothing changes
  const quiet = [];
  for (let run = 0; run < Math.min(RUNS, 50); run += 1) {
    await wait(PAUSE_MILLISECONDS);
    quiet.push((await staying.mark()).longest);
  }
  const [refused, stalls] = [[], []];
  for (let run = 0; run < RUNS; run += 1) {
    await wait(PAUSE_MILLISECONDS);
    const refusal = leaving.change('write');
    const begun = Date.now();
    await say('delete.start', leavingId, leavingPlace);
    refused.push((await refusal).t - begun);
    await applied(1);
    leavingId = randomUUID();
    const back = leaving.change('write');
    await say('create.end', leavingId, leavingPlace);
    await back;
    await applied(2);
    stalls.push((await staying.mark()).longest);
  }
  // the least that it can take: the file by hand, and the call
  const manager = new ExportManager(new DbusObject(ganesha.bus, EXPORT_MANAGER));
  const file = join(ganesha.exports, `${id}.conf`);
  const both = readFileSync(file, 'utf8');
  const number = Number(/Export_Id = (\d+)/.exec(both)[1]);
  const write = (text) => {
    writeFileSync(`${file}.bare`, text);
    renameSync(`${file}.bare`, file);
  };
  const bare = [];
  for (let run = 0; run < Math.min(RUNS, 50); run += 1) {
    await wait(PAUSE_MILLISECONDS);
    const refusal = leaving.change('write');
    const begun = Date.now();
    write(both.replace(new RegExp(`${leavingPlace.ipv4.replaceAll('.', '\\.')},? ?`), ''));
    await manager.update(file, number, signal);
    bare.push((await refusal).t - begun);
    const back = leaving.change('write');
    write(both);
    await manager.update(file, number, signal);
    await back;
  }
  const { failures } = await staying.end();
  const percentile = (list, part) => [...list].sort((one, other) => one - other)[Math.min(list.length - 1, Math.floor(list.length * part))];
  const row = (name, list) => console.log(`| ${name} | ${[0.5, 0.9, 0.99, 1].map((part) => percentile(list, part).toFixed(1)).join(' | ')} | ${(percentile(list, 0.5) / percentile(name.startsWith('the neighbour') ? quiet : bare, 0.5)).toFixed(1)} |`);
  console.log('| milliseconds | p50 | p90 | p99 | largest | ratio of the p50 |\n| --- | --- | --- | --- | --- | --- |');
  row('the file by hand and `UpdateExport` → first refusal', bare);
  row(`POST of \`delete.start\` → first refusal, ${RUNS} runs`, refused);
  row('the neighbour’s longest operation, nothing changes', quiet);
  row('the neighbour’s longest operation, access goes and comes', stalls);
  console.log(`\nerrors of the neighbour: ${failures}`);
  await leaving.end();
} finally {
  if (server) {
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.send('stop');
    await ended;
  }
  await lab.remove();
}
