// From the POST of an event to the address in the exports file. Run by `npm run bench`.
import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, watch } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { event, fill, PROJECTS } from './cloud-of-10000.mjs';

const EVENTS = Number(process.env.EVENTS ?? 200);

const server = fork(fileURLToPath(new URL('./event-server.mjs', import.meta.url)), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
const { port, folder } = await new Promise((resolve) => server.once('message', resolve));
console.log(`${cpus().length} × ${cpus()[0].model}, Node ${process.version}`);
const { call, show } = await fill(`http://127.0.0.1:${port}/v1.1`);

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
