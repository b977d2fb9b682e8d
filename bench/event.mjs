// From the POST of an event to the address in the exports file. Run by `npm run bench`.
import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, watch } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const PROJECTS = 100;
const PROJECT_FILESYSTEMS = 909;
const INSTANCE_FILESYSTEMS = 90;
const INSTANCES = 10_000;
const EVENTS = Number(process.env.EVENTS ?? 200);

const server = fork(fileURLToPath(new URL('./event-server.mjs', import.meta.url)), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
const { port, folder } = await new Promise((resolve) => server.once('message', resolve));
const base = `http://127.0.0.1:${port}/v1.1`;
const call = async (method, path, body) => {
  const answer = await fetch(`${base}${path}`, { method, body: body && JSON.stringify(body), headers: body ? { 'content-type': 'application/json' } : {} });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.status === 202 ? null : answer.json();
};
const inSlices = async (items, size, work) => {
  for (let from = 0; from < items.length; from += size) await Promise.all(items.slice(from, from + size).map(work));
};
const count = (length) => Array.from({ length }, (_, index) => index);

const address = (index) => `10.${10 + Math.floor(index / 62_500)}.${Math.floor(index / 250) % 250}.${(index % 250) + 1}`;
const event = (kind, id, project, ip) => ({
  event_type: `compute.instance.${kind}`,
  publisher_id: 'compute.bench',
  priority: 'INFO',
  message_id: randomUUID(),
  timestamp: new Date().toISOString().replace('T', ' ').replace('Z', '000'),
  payload: { instance_id: id, tenant_id: project, state: 'active', fixed_ips: [{ address: ip, type: 'fixed' }] },
});

console.log(`${cpus().length} × ${cpus()[0].model}, Node ${process.version}`);
await call('PUT', '/p0/os-filesystem/everybody', { fs_entry: { size: '1Gb', scope: 'global' } });
await inSlices(count(PROJECT_FILESYSTEMS), 16, (index) =>
  call('PUT', `/p${index % PROJECTS}/os-filesystem/project-${index}`, { fs_entry: { size: '1Gb', scope: 'project' } }),
);
await inSlices(count(INSTANCE_FILESYSTEMS), 16, (index) =>
  call('PUT', `/p${index % PROJECTS}/os-filesystem/instance-${index}`, { fs_entry: { size: '1Gb', scope: 'instance' } }),
);
const ids = count(INSTANCES).map(() => randomUUID());
for (let from = 0; from < INSTANCES; from += 1_000)
  await call('POST', '/p0/os-filesystem/_events', {
    events: count(1_000).map((index) => event('create.end', ids[from + index], `p${(from + index) % PROJECTS}`, address(from + index))),
  });
const show = async (name, tenant) => (await call('GET', `/${tenant}/os-filesystem/${name}`)).fs_entry;
for (;;) {
  const { fs_entries: entries } = await call('GET', '/p0/os-filesystem?all_tenants=1&limit=1000').catch(() => ({ fs_entries: [] }));
  const global = await show('everybody', 'p0');
  const project = await show('project-7', 'p7');
  if (global.access.applied === INSTANCES && global.access.state === 'current' && project.access.state === 'current' && entries.length >= 0) break;
  await wait(200);
}
await wait(6_000);

/** When the file has the address (or has it no more), milliseconds of this process. */
async function whenIn(file, ip, wanted, signal) {
  const look = () => readFileSync(file, 'latin1').includes(`${ip}(`) === wanted;
  return new Promise((resolve) => {
    const watcher = watch(join(folder, 'exports'), { signal }, (_, name) => {
      if (name === null || file.endsWith(name)) check();
    });
    const check = () => {
      if (!look()) return;
      resolve(performance.now());
      watcher.close();
    };
    check();
  });
}
const fileOf = async (name, tenant) => {
  const { export_location: location } = await show(name, tenant);
  return join(folder, 'exports', `${location.split('/').at(-1)}.exports`);
};

const percentile = (list, part) => [...list].sort((one, other) => one - other)[Math.min(list.length - 1, Math.floor(list.length * part))];
const globalFile = await fileOf('everybody', 'p0');
const found = { 'create → project': [], 'create → global': [], 'delete → project': [], 'delete → global': [] };
for (let number = 0; number < EVENTS; number += 1) {
  const project = number % PROJECTS;
  const projectFile = await fileOf(`project-${project + PROJECTS * (number % 9)}`, `p${project}`);
  const id = randomUUID();
  const ip = `10.200.${Math.floor(number / 250)}.${(number % 250) + 1}`;
  for (const [kind, name, wanted] of [['create.end', 'create', true], ['delete.start', 'delete', false]]) {
    // apart, so that each is the first change after rest
    await wait(600);
    const both = [whenIn(projectFile, ip, wanted), whenIn(globalFile, ip, wanted)];
    const begun = performance.now();
    await call('POST', '/p0/os-filesystem/_events', event(kind, id, `p${project}`, ip));
    const [inProject, inGlobal] = await Promise.all(both);
    found[`${name} → project`].push(inProject - begun);
    found[`${name} → global`].push(inGlobal - begun);
  }
}
console.log(`\n${EVENTS} instances created and deleted, one at a time; milliseconds from the POST to the file\n`);
console.log('| | p50 | p90 | p99 | largest |\n| --- | --- | --- | --- | --- |');
for (const [name, list] of Object.entries(found))
  console.log(`| ${name} | ${[0.5, 0.9, 0.99, 1].map((part) => percentile(list, part).toFixed(1)).join(' | ')} |`);

const ended = new Promise((resolve) => server.once('exit', resolve));
server.send('stop');
await ended;
