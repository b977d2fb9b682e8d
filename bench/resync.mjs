// Comparing the directory with Compute's list of all instances: time and memory. INSTANCES=1000000 for a very large cloud.
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const INSTANCES = Number(process.env.INSTANCES ?? 100_000);
const support = fileURLToPath(new URL('../spec/support/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'bench-compute-'));
const state = join(folder, 'state.json');
writeFileSync(state, JSON.stringify({ servers: {}, tokens: { 'admin-token': { project: 'admin', admin: true } }, generate: { count: INSTANCES, projects: 1_000 } }));
const compute = spawn(process.execPath, ['-r', join(support, 'run-typescript.cjs'), join(support, 'compute-stand-in-process.ts'), state, '0'], { stdio: ['pipe', 'pipe', 'inherit'] });
const [line] = await once(createInterface({ input: compute.stdout }), 'line');
const url = `http://127.0.0.1:${JSON.parse(String(line)).port}/v2.1`;

const run = async (mode) => {
  const child = fork(fileURLToPath(new URL('./resync-process.mjs', import.meta.url)), [mode, url]);
  const [result] = await once(child, 'message');
  await once(child, 'exit');
  return result;
};
console.log(`${cpus().length} × ${cpus()[0].model}, Node ${process.version}; ${INSTANCES} instances of 1,000 projects`);
const bare = await run('bare');
const ours = await run('resync');
console.log('\n| | seconds | of it again, nothing changed | peak memory MB | time / bare |\n| --- | --- | --- | --- | --- |');
console.log(`| pages read and parsed alone | ${bare.first.toFixed(1)} | | ${bare.megabytes} | |`);
console.log(`| resync | ${ours.first.toFixed(1)} | ${ours.second.toFixed(1)} | ${ours.megabytes} | ${(ours.first / bare.first).toFixed(1)} |`);
compute.kill('SIGKILL');
rmSync(folder, { recursive: true });
