import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { Client } from 'pg';
import { EMPTY_CLOUD, type StandInServer } from '../support/compute/state';
import { ComputeStandIn } from '../support/compute-stand-in';
import { eventually } from '../support/eventually';
import { FollowingGateway } from '../support/following-gateway';
import { GatewayProcess } from '../support/gateway-process';

const SERVER = process.env.POSTGRES_15_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const DATABASE = `restored_${randomUUID().replaceAll('-', '')}`;
const URL_OF_IT = Object.assign(new URL(SERVER), { pathname: `/${DATABASE}` }).toString();
const SOON_MILLISECONDS = 45_000;

/** pg_dump and pg_restore as docs/operations.md tells them, under a gateway on directories and exports files. */
describe('a database that is restored from a dump', () => {
  const compute = new ComputeStandIn();
  let gateway: FollowingGateway;
  let dump = '';
  const settings = () => ({
    DATABASE_URL: URL_OF_IT,
    COMPUTE_URL: compute.url,
    COMPUTE_TOKEN: 'admin-token',
    RESYNC_INTERVAL: '5',
    DRIFT_INTERVAL: '10',
  });
  beforeAll(async () => {
    await administrate(`create database ${DATABASE}`);
    await compute.start();
    gateway = new FollowingGateway(settings());
    dump = path.join(gateway.folder, 'backup.dump');
  });
  afterAll(async () => {
    await gateway.stop();
    await compute.stop();
    await administrate(`drop database if exists ${DATABASE} with (force)`);
  });

  let number = 0;
  /** An instance of the project, with an address of its own. */
  const aServer = (addr: string, project = 'demo'): readonly [string, StandInServer] => {
    number += 1;
    const port = randomUUID();
    const address = {
      network: 'net',
      addr,
      type: 'fixed',
      mac: `fa:16:3e:00:00:0${number}`,
      port,
      netId: randomUUID(),
    };
    return [
      randomUUID(),
      {
        project,
        name: `vm-${number}`,
        vm_state: 'active',
        task_state: null,
        created: '2026-11-23T14:23:37Z',
        addresses: [address as StandInServer['addresses'][number]],
      },
    ];
  };
  const instances = (...servers: readonly (readonly [string, StandInServer])[]) => {
    compute.set({ ...EMPTY_CLOUD, servers: Object.fromEntries(servers) });
    gateway.resync();
  };
  const letsIn = (id: string, ...addresses: readonly string[]) =>
    eventually(() => {
      const found = gateway.exported(id).join(' ');
      return found === addresses.join(' ') ? null : `${id} lets in "${found}"`;
    }, SOON_MILLISECONDS);
  const request = (method: string, name: string, entry?: object) =>
    fetch(`${gateway.base('demo')}/${name}`, {
      method,
      headers: { 'Content-Type': 'application/json', Prefer: 'wait=20' },
      ...(entry && { body: JSON.stringify({ fs_entry: entry }) }),
    });
  const show = async (name: string) => {
    const answer = await request('GET', name);
    return answer.ok ? ((await answer.json()) as { fs_entry: Record<string, unknown> }).fs_entry : null;
  };
  /** An address's grants and withdrawals, in order. */
  const log = async (name: string, address: string) => {
    const answer = await request('GET', `${name}/access-log?address=${address}`);
    const { access_log: rows } = (await answer.json()) as { access_log: { granted: boolean }[] };
    return rows.map(({ granted }) => (granted ? '+' : '-')).join('');
  };
  const becomes = (name: string, wanted: Record<string, unknown>) =>
    eventually(async () => {
      const found = await show(name);
      const differs = Object.entries(wanted).filter(([key, value]) => found?.[key] !== value);
      return differs.length === 0 ? null : `${name}: ${JSON.stringify(found)}`;
    }, SOON_MILLISECONDS);
  const file = (id: string) => path.join(gateway.folder, 'volumes', id, 'file');
  const operate = async (...words: readonly string[]) => {
    const environment = { PORT: '0', DATA_DIR: gateway.folder, ...settings() };
    const command = new GatewayProcess(['node', 'dist/lib/cli/main.js', ...words], environment);
    const exit = await command.exit;
    return { exit, output: command.output, errors: command.errors };
  };

  it('loses no data, lets in whom it should, and gets back what was made since', async () => {
    await gateway.start();
    const [stays, ends, comes] = [aServer('10.7.0.1'), aServer('10.7.0.2'), aServer('10.7.0.3')];
    instances(stays, ends);
    const kept = await gateway.make('kept', 'demo');
    const deleted = await gateway.make('deleted', 'demo');
    for (const id of [kept, deleted]) writeFileSync(file(id), id);
    await letsIn(kept, '10.7.0.1', '10.7.0.2');
    execFileSync('pg_dump', ['--schema=shared_filesystem', '--format=custom', `--file=${dump}`, URL_OF_IT]);

    const made = await gateway.make('made', 'demo');
    writeFileSync(file(made), made);
    expect((await request('PUT', 'kept', { size: '3Gb', scope: 'project' })).status).toBe(200);
    expect((await request('DELETE', 'deleted')).ok).toBe(true);
    const again = await gateway.make('deleted', 'demo');
    writeFileSync(file(again), again);
    instances(stays, comes);
    await letsIn(kept, '10.7.0.1', '10.7.0.3');
    await letsIn(made, '10.7.0.1', '10.7.0.3');

    await gateway.kill();
    execFileSync('pg_restore', ['--clean', '--if-exists', `--dbname=${URL_OF_IT}`, dump]);
    await gateway.start();

    // whoever has ended since is out, and what was made since is known and closed to him
    const begun = performance.now();
    await eventually(async () => ((await log('kept', '10.7.0.2')) === '+-' ? null : 'the log tells of access still'));
    console.info(`out ${Math.round(performance.now() - begun)} ms after the start`);
    await letsIn(kept, '10.7.0.1', '10.7.0.3');
    await letsIn(made, '10.7.0.1', '10.7.0.3');
    await becomes('deleted', { id: deleted, status: 'error' });
    for (const id of [kept, made, again]) expect(readFileSync(file(id), 'utf8')).toBe(id);
    expect(() => readFileSync(file(deleted))).toThrow('ENOENT');
    await eventually(async () =>
      (await gateway.metric('shared_filesystem_orphans')) === 2 ? null : 'the orphans are not counted',
    );

    const listed = JSON.parse((await operate('orphans', '--json')).output) as { id: string }[];
    expect(new Set(listed.map(({ id }) => id))).toEqual(new Set([made, again]));
    expect(await operate('adopt', made)).toMatchObject({ exit: 0, errors: '' });
    expect((await operate('adopt', again)).errors).toMatch(/The name "deleted" is taken by/);
    expect((await request('DELETE', 'deleted')).ok).toBe(true);
    await eventually(async () => ((await show('deleted')) === null ? null : 'it is not deleted yet'));
    expect(await operate('adopt', again)).toMatchObject({ exit: 0, errors: '' });
    await becomes('made', { id: made, status: 'available' });
    await becomes('deleted', { id: again, status: 'available' });
    for (const id of [kept, made, again]) {
      await letsIn(id, '10.7.0.1', '10.7.0.3');
      expect(readFileSync(file(id), 'utf8')).toBe(id);
    }
    // he was not let in again for a moment
    expect(await log('kept', '10.7.0.2')).toBe('+-');
    expect((await operate('orphans')).output).toBe('No volume stands without a row on default.\n');
    await eventually(async () =>
      (await gateway.metric('shared_filesystem_orphans')) === 0 ? null : 'they are counted still',
    );
  }, 240_000);
});

async function administrate(statement: string): Promise<void> {
  const admin = new Client({ connectionString: SERVER });
  await admin.connect();
  try {
    await admin.query(statement);
  } finally {
    await admin.end();
  }
}
