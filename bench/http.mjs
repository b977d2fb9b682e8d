// The router beside a bare Express server with the same statements: CPU a request, and latency. Run by `npm run bench`.
import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';

const ROUNDS = Number(process.env.ROUNDS ?? 21);
const BATCH = Number(process.env.BATCH ?? 200);
const CONNECTIONS = 16;
const JSON_TYPE = { 'content-type': 'application/json' };

const server = fork(fileURLToPath(new URL('./http-server.mjs', import.meta.url)), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
const answers = new Map();
server.on('message', ({ id, value }) => answers.get(id)?.(value));
const ask = (what, detail) =>
  new Promise((resolve) => {
    const id = randomUUID();
    answers.set(id, resolve);
    server.send({ id, what, detail });
  });
const { ours, bare } = await ask('start');

const put = (body) => ({ method: 'PUT', headers: JSON_TYPE, body: body ? JSON.stringify(body) : undefined });
const OPERATIONS = {
  'show one': () => ({ method: 'GET', path: '/os-filesystem/shown' }),
  'list of 100': () => ({ method: 'GET', path: '/os-filesystem?limit=100' }),
  create: () => ({ ...put({ fs_entry: { size: '4Gb', scope: 'project' } }), path: `/os-filesystem/n${randomUUID()}` }),
  connect: () => ({ ...put(), headers: {}, path: `/os-filesystem/connected/instances/i${randomUUID()}` }),
};
const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });

const send = (port, { method, path, headers, body }) =>
  new Promise((resolve, reject) => {
    const call = request({ port, host: '127.0.0.1', method, path: `/v1.1/demo${path}`, headers, agent }, (answer) => {
      answer.resume();
      answer.on('end', () => (answer.statusCode < 300 ? resolve() : reject(new Error(`${method} ${path}: ${answer.statusCode}`))));
    });
    call.on('error', reject);
    call.end(body);
  });

/** CPU of the server, microseconds a request. */
async function batch(port, operation) {
  const requests = Array.from({ length: BATCH }, OPERATIONS[operation]);
  // an instance must be known before it is connected: not part of what is measured
  if (operation === 'connect') await ask('know', requests.map(({ path }) => path.split('/').at(-1)));
  const before = await ask('cpu');
  let next = 0;
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (next < requests.length) await send(port, requests[next++]);
    }),
  );
  return ((await ask('cpu')) - before) / BATCH;
}

async function latency(port, operation) {
  const requests = Array.from({ length: 1_500 }, OPERATIONS[operation]);
  if (operation === 'connect') await ask('know', requests.map(({ path }) => path.split('/').at(-1)));
  let next = 0;
  const { latency: found, non2xx } = await autocannon({
    url: `http://127.0.0.1:${port}`,
    connections: 4,
    amount: requests.length,
    requests: [{ setupRequest: (each) => ({ ...each, ...requests[next++ % requests.length], path: `/v1.1/demo${requests[(next - 1) % requests.length].path}` }) }],
  });
  if (non2xx > 0) throw new Error(`${operation}: ${non2xx} failed`);
  return found;
}

const median = (list) => [...list].sort((one, other) => one - other)[Math.floor(list.length / 2)];
const quartile = (list, part) => [...list].sort((one, other) => one - other)[Math.floor(list.length * part)];

console.log(`${cpus().length} × ${cpus()[0].model}, Node ${process.version}, ${ROUNDS} rounds of ${BATCH} requests, ${CONNECTIONS} connections\n`);
console.log('| operation | bare, µs CPU | ours, µs CPU | bare / ours (quartiles) | bare p50 / p99 ms | ours p50 / p99 ms |');
console.log('| --- | --- | --- | --- | --- | --- |');
for (const operation of Object.keys(OPERATIONS)) {
  const rows = [];
  for (let round = -2; round < ROUNDS; round += 1) {
    // the first two warm up; who goes first alternates
    const order = round % 2 === 0 ? [bare, ours] : [ours, bare];
    const found = new Map();
    for (const port of order) found.set(port, await batch(port, operation));
    if (round >= 0) rows.push({ bare: found.get(bare), ours: found.get(ours) });
  }
  const ratios = rows.map((row) => row.bare / row.ours);
  const [bareLatency, oursLatency] = [await latency(bare, operation), await latency(ours, operation)];
  console.log(
    `| ${operation} | ${median(rows.map((row) => row.bare)).toFixed(0)} | ${median(rows.map((row) => row.ours)).toFixed(0)} | **${median(ratios).toFixed(2)}** (${quartile(ratios, 0.25).toFixed(2)}–${quartile(ratios, 0.75).toFixed(2)}) | ${bareLatency.p50} / ${bareLatency.p99} | ${oursLatency.p50} / ${oursLatency.p99} |`,
  );
}
agent.destroy();
await ask('stop');
server.disconnect();
