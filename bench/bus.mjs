// From a notification in RabbitMQ to the exports file of the project's filesystem. Run by `npm run bench`; needs a broker, AMQP_URL.
import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, watch } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import amqp from 'amqplib';
import { fill, PROJECTS } from './cloud-of-10000.mjs';

const AMQP_URL = process.env.AMQP_URL ?? 'amqp://guest:guest@127.0.0.1:5672';
const SLOW_EVENTS = Number(process.env.EVENTS ?? 300);
const FAST_SECONDS = Number(process.env.FAST_SECONDS ?? 10);
const exchange = `bench-${randomUUID()}`;
const queue = `${exchange}.queue`;

const connection = await amqp.connect(AMQP_URL);
const channel = await connection.createChannel();
await channel.assertExchange(exchange, 'topic', { durable: false, autoDelete: false });

const server = fork(fileURLToPath(new URL('./event-server.mjs', import.meta.url)), {
  stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  env: { ...process.env, BENCH_AMQP_URL: AMQP_URL, BENCH_EXCHANGE: exchange, BENCH_QUEUE: queue },
});
const { port, folder } = await new Promise((resolve) => server.once('message', resolve));
console.log(`${cpus().length} × ${cpus()[0].model}, Node ${process.version}`);
const { show } = await fill(`http://127.0.0.1:${port}/v1.1`);

const notification = (event, state, id, project, address) => ({
  message_id: randomUUID(),
  publisher_id: 'nova-compute:bench',
  event_type: `instance.${event}`,
  priority: 'INFO',
  timestamp: new Date().toISOString().replace('T', ' ').replace('Z', '000'),
  payload: {
    'nova_object.data': {
      uuid: id, tenant_id: project, state, task_state: null,
      ip_addresses: [{ 'nova_object.data': { address, version: 4, mac: 'fa:16:3e:00:00:01', port_uuid: randomUUID(), label: 'net' } }],
    },
  },
});
const publish = (message) => {
  const body = JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': JSON.stringify(message) });
  channel.publish(exchange, 'versioned_notifications.info', Buffer.from(body), { contentType: 'application/json' });
};

/** Resolves changes of files: by name, what is waited for there. */
const waiting = new Map();
const look = (name) => {
  const list = waiting.get(name);
  if (!list?.length) return;
  let text;
  try {
    text = readFileSync(join(folder, 'exports', name), 'latin1');
  } catch {
    return;
  }
  const now = performance.now();
  waiting.set(name, list.filter(({ address, wanted, resolve }) => {
    if (text.includes(`${address}(`) !== wanted) return true;
    resolve(now);
    return false;
  }));
};
const watcher = watch(join(folder, 'exports'), (_, name) => name?.endsWith('.exports') && look(name));
const appears = (name, address, wanted) => new Promise((resolve) => {
  waiting.set(name, [...(waiting.get(name) ?? []), { address, wanted, resolve }]);
});
setInterval(() => [...waiting.keys()].forEach(look), 250).unref();

const names = new Map();
const fileOf = async (project, number) => {
  const key = `project-${project + PROJECTS * (number % 9)}`;
  if (!names.has(key)) names.set(key, `${(await show(key, `p${project}`)).export_location.split('/').at(-1)}.exports`);
  return names.get(key);
};
for (let project = 0; project < PROJECTS; project += 1) for (let each = 0; each < 9; each += 1) await fileOf(project, each);

const percentile = (list, part) => [...list].sort((one, other) => one - other)[Math.min(list.length - 1, Math.floor(list.length * part))];
const rows = [];
const row = (name, list, bare) => {
  if (list.length === 0) return;
  const figures = [0.5, 0.9, 0.99, 1].map((part) => percentile(list, part).toFixed(1));
  rows.push(`| ${name} | ${figures.join(' | ')} | ${bare ? (percentile(list, 0.5) / percentile(bare, 0.5)).toFixed(1) : ''} |`);
};

/** One event: published now, resolved when the file is right. */
async function one(kind, id, project, address, file) {
  // one that comes and goes before the file is written never stands there: nothing to measure
  if (kind === 'delete') for (const each of waiting.get(file) ?? []) if (each.address === address) each.resolve(Number.NaN);
  waiting.set(file, (waiting.get(file) ?? []).filter((each) => each.address !== address));
  const done = appears(file, address, kind === 'create');
  const begun = performance.now();
  publish(kind === 'create' ? notification('create.end', 'active', id, `p${project}`, address) : notification('delete.start', 'active', id, `p${project}`, address));
  return (await done) - begun;
}

// a bare consumer that writes one small file, synced and renamed: what the bus and the disk alone take
const bareQueue = (await channel.assertQueue('', { exclusive: true })).queue;
await channel.bindQueue(bareQueue, exchange, 'bare');
let received;
await channel.consume(bareQueue, async (message) => {
  JSON.parse(message.content.toString());
  const handle = await open(join(folder, 'bare.new'), 'w');
  await handle.writeFile('x'.repeat(500));
  await handle.sync();
  await handle.close();
  await rename(join(folder, 'bare.new'), join(folder, 'bare'));
  received(performance.now());
}, { noAck: true });
const bare = [];
for (let number = 0; number < 200; number += 1) {
  const done = new Promise((resolve) => { received = resolve; });
  const begun = performance.now();
  channel.publish(exchange, 'bare', Buffer.from(JSON.stringify({ number })));
  bare.push((await done) - begun);
  await wait(20);
}

const alive = [];
const slow = { create: [], delete: [] };
const pending = [];
for (let number = 0; number < SLOW_EVENTS; number += 1) {
  const project = (number * 7) % PROJECTS;
  const file = await fileOf(project, number);
  const isCreate = number % 2 === 0 || alive.length < 20;
  if (isCreate) alive.push({ id: randomUUID(), project, address: `10.200.${Math.floor(number / 250)}.${(number % 250) + 1}`, file });
  const each = isCreate ? alive.at(-1) : alive.shift();
  pending.push(one(isCreate ? 'create' : 'delete', each.id, each.project, each.address, each.file).then((ms) => slow[isCreate ? 'create' : 'delete'].push(ms)));
  await wait(100);
}
await Promise.all(pending);
row('bare consumer', bare);
for (const kind of ['create', 'delete']) slow[kind] = slow[kind].filter((ms) => !Number.isNaN(ms));
row('10 a second, create', slow.create, bare);
row('10 a second, delete', slow.delete, bare);
row('10 a second, both', [...slow.create, ...slow.delete], bare);

await wait(6_000);
const fast = [];
const all = [];
const begun = performance.now();
const total = FAST_SECONDS * 1_000;
const cloud = [];
for (let sent = 0; sent < total; ) {
  const due = Math.min(total, Math.floor((performance.now() - begun)));
  for (; sent < due; sent += 1) {
    const project = (sent * 7) % PROJECTS;
    const isCreate = sent % 2 === 0 || cloud.length < 500;
    if (isCreate) cloud.push({ id: randomUUID(), project, address: `10.${210 + Math.floor(sent / 62_500)}.${Math.floor(sent / 250) % 250}.${(sent % 250) + 1}`, file: names.get(`project-${project + PROJECTS * (sent % 9)}`) });
    const each = isCreate ? cloud.at(-1) : cloud.shift();
    all.push(one(isCreate ? 'create' : 'delete', each.id, each.project, each.address, each.file).then((ms) => fast.push(ms)));
  }
  await wait(5);
}
await Promise.all(all);
row('1,000 a second, both', fast.filter((ms) => !Number.isNaN(ms)), bare);
const coalesced = fast.filter(Number.isNaN).length;

console.log(`\n${SLOW_EVENTS} events at 10 a second, ${total} at 1,000 a second (${coalesced} came and went before a file was written); milliseconds from the publication to the file; ratio of the p50 to the bare consumer's\n`);
console.log('| | p50 | p90 | p99 | largest | ratio |\n| --- | --- | --- | --- | --- | --- |');
for (const each of rows) console.log(each);

watcher.close();
const ended = new Promise((resolve) => server.once('exit', resolve));
server.send('stop');
await ended;
await channel.deleteQueue(queue);
await channel.deleteQueue(`${queue}.dead-letters`);
await channel.deleteExchange(exchange);
await connection.close();
