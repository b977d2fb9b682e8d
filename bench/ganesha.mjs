// Changes of access on a real NFS-Ganesha, through the driver. Root, and what spec/e2e/storage/install.sh installs: `node bench/ganesha.mjs`.
import { renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';

const require = createRequire(import.meta.url);
require('../spec/support/run-typescript.cjs');
const { createDriver } = require('../lib/drivers/index.ts');
const { thisProcess } = require('../lib/process-identity.ts');
const { DbusObject } = require('../lib/drivers/nfs/dbus.ts');
const { EXPORT_MANAGER, ExportManager } = require('../lib/drivers/nfs/export-manager.ts');
const { parseSize } = require('../lib/domain/size.ts');
const { StorageLab } = require('../spec/e2e/storage/lab.ts');
const { Ganesha } = require('../spec/e2e/storage/ganesha.ts');
const { NfsClients, USER } = require('../spec/e2e/storage/nfs-client.ts');

const MANY = Number(process.env.EXPORTS ?? 10_000);
const AT_ONCE = 1_000;
const RUNS = 100;
const { signal } = new AbortController();
process.setMaxListeners(0);
(await import('node:events')).setMaxListeners(0, signal);

const lab = await StorageLab.make({ instances: 1 });
try {
  const ganesha = new Ganesha(lab);
  await ganesha.start();
  const root = join(lab.folder, 'volumes');
  const driver = createDriver(ganesha.backend('filer1', root), { process: thisProcess() });
  await driver.mark('0f8a1c52-6d1e-4f0a-9b6c-3d2e1f0a9b8c', signal);
  const manager = new ExportManager(new DbusObject(ganesha.bus, EXPORT_MANAGER));
  console.log(`${cpus().length} × ${cpus()[0].model}, Node ${process.version}, NFS-Ganesha 4.3\n`);

  const volumes = [];
  let revision = 0n;
  const sync = (volume, addresses) => driver.syncAccess(volume, { addresses, revision: (revision += 1n) }, true, signal);
  const fileOf = ({ id }) => join(ganesha.exports, `${id}.conf`);
  /** Makes volumes until there are so many, a number of them side by side, as a reconciler does. */
  const fill = async (count) => {
    const begun = performance.now();
    const before = volumes.length;
    const numbers = Array.from({ length: count - before }, (_, index) => before + index + 1);
    await Promise.all(
      Array.from({ length: 32 }, async () => {
        for (let number = numbers.shift(); number !== undefined; number = numbers.shift()) {
          const id = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
          const volume = { id, name: `fs-${number}`, size: parseSize('1Gb'), owner: 'demo', scope: 'project', project: 'demo', desiredRevision: 1n, number };
          await driver.ensure(volume, true, signal);
          await sync(volume, addressesOf(number));
          volumes.push(volume);
        }
      }),
    );
    if (count > before) console.log(`${count - before} filesystems made, to ${count} in all: ${((performance.now() - begun) / (count - before)).toFixed(2)} ms each`);
  };
  const addressesOf = (number, turn = 0) => Array.from({ length: 10 }, (_, index) => `10.${(number >> 8) + turn}.${number & 255}.${index * 2 + 1}`);
  const took = async (work) => {
    const begun = performance.now();
    await work();
    return performance.now() - begun;
  };
  const middle = (list) => [...list].sort((one, other) => one - other)[Math.floor(list.length / 2)];
  const oneAtATime = async (work) => {
    const times = [];
    for (let run = 0; run < RUNS; run += 1) times.push(await took(() => work(run)));
    return middle(times);
  };
  const change = (run) => sync(volumes[run % 10], addressesOf(volumes[run % 10].number, 1 + (run % 90)));
  /** What a change costs at least: the file is written and renamed, the server is told, and nothing is made sure of. */
  const bare = async (volume, text) => {
    writeFileSync(`${fileOf(volume)}.bare`, text);
    renameSync(`${fileOf(volume)}.bare`, fileOf(volume));
    await manager.update(fileOf(volume), volume.number, signal);
  };
  const { readFileSync } = await import('node:fs');
  const bareOf = (list) => list.map((volume) => [volume, readFileSync(fileOf(volume), 'utf8')]);

  await fill(10);
  await oneAtATime(change); // warm
  const amongTen = await oneAtATime(change);
  const check = () => driver.check(signal);
  const checkAmongTen = await oneAtATime(check);
  const bareAmongTen = await oneAtATime((run) => bare(...bareOf([volumes[run % 10]])[0]));
  await fill(AT_ONCE);
  const all = volumes.slice(0, AT_ONCE);
  const together = await took(() => Promise.all(all.map((each) => sync(each, addressesOf(each.number, 100)))));
  const texts = bareOf(all);
  const bareTogether = await took(() => Promise.all(texts.map(([volume, text]) => bare(volume, text))));
  await fill(MANY);
  const amongMany = await oneAtATime(change);
  const checkAmongMany = await oneAtATime(check);
  const bareAmongMany = await oneAtATime((run) => bare(...bareOf([volumes[run % 10]])[0]));
  const togetherAmongMany = await took(() => Promise.all(all.map((each) => sync(each, addressesOf(each.number, 120)))));
  console.log(`\n| | driver, ms | bare, ms | ratio |\n| --- | --- | --- | --- |`);
  const row = (name, ours, base) => console.log(`| ${name} | ${ours.toFixed(1)} | ${base.toFixed(1)} | ${(ours / base).toFixed(2)} |`);
  row('one change among 10', amongTen, bareAmongTen);
  row(`one change among ${MANY}`, amongMany, bareAmongMany);
  row(`${AT_ONCE} at once, among ${AT_ONCE}`, together, bareTogether);
  console.log(`\none change among ${MANY} / among 10: ${(amongMany / amongTen).toFixed(2)}`);
  console.log(`a check among 10: ${checkAmongTen.toFixed(2)} ms, among ${MANY}: ${checkAmongMany.toFixed(2)} ms`);
  console.log(`${AT_ONCE} at once, among ${MANY}: ${togetherAmongMany.toFixed(0)} ms`);

  const clients = await NfsClients.make(lab);
  const [client] = lab.instances;
  const [volume] = volumes;
  const location = `${lab.filer.ipv4}:/volumes/${volume.id}`;
  const written = async () => {
    const times = [];
    for (let run = 0; run < 5; run += 1) times.push(await took(() => clients.run(client, location, USER, ['fill', `/f${Math.random()}`, '1500000'])));
    return middle(times);
  };
  const lists = [
    ['one address', [client.ipv4]],
    ['10,000 in one run, and one', [...Array.from({ length: 10_000 }, (_, index) => `10.30.${index >> 8}.${index & 255}`), client.ipv4]],
    // numbers that have a neighbour nowhere; the client's own is the last of them
    ['10,000 scattered, the client the last', [...Array.from({ length: 9_999 }, (_, index) => `10.${30 + (index >> 14)}.${(index >> 7) & 127}.${(index & 127) * 2 + 1}`), client.ipv4]],
  ];
  console.log('\n| list | change, ms | read back, ms | a client writes 1.5 MB by 3 KB, ms |\n| --- | --- | --- | --- |');
  for (const [name, addresses] of lists) {
    const changed = await took(() => sync(volume, addresses));
    const readBack = await took(() => driver.readAccess(volume, signal));
    console.log(`| ${name} | ${changed.toFixed(0)} | ${readBack.toFixed(0)} | ${(await written()).toFixed(0)} |`);
  }
} finally {
  await lab.remove();
}
