// What a stranger does with a clean checkout: `npm ci && npm start`, then calls, then Ctrl-C.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const [checkout] = process.argv.slice(2);
const data = mkdtempSync(join(tmpdir(), 'gateway-'));
const port = await new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port: free } = server.address();
    server.close(() => resolve(free));
  });
});
const base = `http://127.0.0.1:${port}/v1.1/demo`;
const expect = (what, found, wanted) => {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) throw new Error(`${what}: expected ${JSON.stringify(wanted)}, found ${JSON.stringify(found)}`);
  console.log(`ok: ${what}`);
};
const call = async (method, path, body) =>
  fetch(`${base}${path}`, {
    method,
    ...(body ? { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } } : {}),
  });
const eventually = async (what, look) => {
  for (const until = Date.now() + 30_000; Date.now() < until; await wait(50)) {
    const found = await look().catch(() => undefined);
    if (found) return found;
  }
  throw new Error(`${what}: not within 30 s`);
};

let gateway;
try {
  if (spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: checkout, stdio: ['ignore', 'ignore', 'inherit'] }).status !== 0)
    throw new Error('npm ci failed');
  const begun = Date.now();
  gateway = spawn('npm', ['start'], {
    cwd: checkout,
    env: { ...process.env, PORT: String(port), DATA_DIR: data },
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  gateway.stdout.on('data', (chunk) => {
    output += chunk;
    process.stdout.write(chunk);
  });
  const created = await eventually('the first PUT', async () => {
    const answer = await call('PUT', '/os-filesystem/mydata', { fs_entry: { size: '4Gb', scope: 'global' } });
    return answer.status === 503 ? undefined : answer;
  });
  console.log(`from npm start to the first PUT: ${Date.now() - begun} ms`);
  expect('PUT creates', created.status, 201);
  expect('the extension is listed', (await (await call('GET', '/extensions')).json()).extensions.map(({ alias }) => alias), ['os-shared-filesystem']);
  const event = {
    event_type: 'compute.instance.create.end',
    publisher_id: 'compute.host',
    priority: 'INFO',
    message_id: '8b2c0f0e-6f0b-4d0e-9d7a-1f6b8f1c2d3e',
    timestamp: new Date().toISOString().replace('T', ' ').replace('Z', '000'),
    payload: { instance_id: '2f1f1a4c-3f0e-4d84-a1a5-0c9e8a7b6d5e', tenant_id: 'demo', state: 'active', fixed_ips: [{ address: '10.0.0.7', type: 'fixed' }] },
  };
  expect('an event is taken', (await call('POST', '/os-filesystem/_events', event)).status, 202);
  const exported = () => readdirSync(join(data, 'exports')).filter((name) => name.endsWith('.exports')).map((name) => readFileSync(join(data, 'exports', name), 'utf8')).join('');
  await eventually('the address in the exports file', async () => exported().includes('10.0.0.7'));
  console.log('ok: the instance is let in');
  process.kill(-gateway.pid, 'SIGINT');
  await new Promise((resolve) => gateway.once('close', resolve));
  gateway = undefined;
  // npm itself ends by the signal
  expect('Ctrl-C stops everything in order', output.includes('"msg":"stopped"'), true);
  const left = spawnSync('pgrep', ['-f', data], { encoding: 'utf8' }).stdout.trim();
  expect('nothing is left running', left, '');
} finally {
  if (gateway) process.kill(-gateway.pid, 'SIGKILL');
  rmSync(data, { recursive: true, force: true });
}
