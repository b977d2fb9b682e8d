import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { GatewayProcess } from '../support/gateway-process';

const SERVER = process.env.POSTGRES_15_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres';
/** Debian's user and group `nobody`, who owns nothing and may do nothing. */
const NOBODY = 65534;
const AS_NOBODY = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] as const;
const NETWORKS = '10.20.0.0/16';
const SOON_MILLISECONDS = 20_000;
/** Until what a process told is stale, and somebody has looked. */
const STALE_MILLISECONDS = 50_000;

type FilerName = 'filer1' | 'filer2';
const FILERS = ['filer1', 'filer2'] as const;

/** One deployment: an API that has no driver and no privilege, and a reconciler beside each of two filers. */
describe('many filers', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'filers-'));
  const suffix = path
    .basename(folder)
    .replaceAll(/[^a-z0-9]/gi, '')
    .toLowerCase();
  const database = `deployment_${suffix}`;
  const roles = { api: `api_${suffix}`, filer1: `filer1_${suffix}`, filer2: `filer2_${suffix}` };
  const processes = new Map<string, GatewayProcess>();
  let base = '';

  const administrate = async (...statements: readonly string[]): Promise<void> => {
    const client = new Client({ connectionString: SERVER });
    await client.connect();
    try {
      for (const statement of statements) await client.query(statement);
    } finally {
      await client.end();
    }
  };
  const urlAs = (role: string): string => {
    const url = new URL(SERVER);
    url.username = role;
    url.password = 'secret';
    url.pathname = `/${database}`;
    return url.toString();
  };
  const fileOf = (name: string, content: object): string => {
    const file = path.join(folder, `${name}.json`);
    writeFileSync(file, JSON.stringify(content));
    return file;
  };
  const start = (name: string, environment: Readonly<Record<string, string>>, ...words: readonly string[]) => {
    const started = new GatewayProcess([...AS_NOBODY, process.execPath, 'dist/lib/cli/main.js', ...words], environment);
    processes.set(name, started);
    return started;
  };
  const startFiler = (name: FilerName): GatewayProcess => {
    const own = path.join(folder, name);
    mkdirSync(own, { recursive: true });
    chownSync(own, NOBODY, NOBODY);
    const backend = {
      name,
      driver: 'nfs',
      server: 'exports-file',
      volumes: { kind: 'directory', root: path.join(own, 'volumes') },
      exports: { directory: path.join(own, 'exports'), exportAddress: '10.20.255.1' },
    };
    const environment = {
      DATABASE_URL: urlAs(roles[name]),
      BACKENDS: fileOf(name, [backend]),
      NETWORKS,
      HEALTH_PORT: '0',
    };
    return start(name, environment, 'reconcile', '--backend', name);
  };
  const run = async (...words: readonly string[]): Promise<number | null> =>
    start('migrate', { DATABASE_URL: urlAs(roles.api) }, ...words).exit;

  beforeAll(async () => {
    chownSync(folder, NOBODY, NOBODY);
    await administrate(
      ...Object.values(roles).map((role) => `create role ${role} login password 'secret'`),
      `create database ${database} owner ${roles.api}`,
    );
  });
  afterAll(async () => {
    for (const each of processes.values()) await each.kill();
    await administrate(
      `drop database if exists ${database} with (force)`,
      ...Object.values(roles).map((role) => `drop role if exists ${role}`),
    );
    rmSync(folder, { recursive: true, force: true });
  });

  interface Shown {
    readonly id: string;
    readonly backend: string;
    readonly status: string;
    readonly access: { readonly state: string; readonly message?: string };
  }
  const ids = new Map<string, string>();
  const call = async (method: string, at: string, body?: object, headers: Record<string, string> = {}) => {
    const content = body && { body: JSON.stringify(body), headers: { ...headers, 'Content-Type': 'application/json' } };
    return fetch(`${base}/v1.1/demo/os-filesystem${at}`, { method, ...content });
  };
  const show = async (name: string): Promise<Shown> => {
    const answer = (await (await call('GET', `/${name}`)).json()) as { fs_entry: Shown };
    return answer.fs_entry;
  };
  const make = async (name: string, scope: string): Promise<Shown> => {
    const answer = await call('PUT', `/${name}`, { fs_entry: { size: '1Gb', scope } }, { Prefer: 'wait=20' });
    expect(answer.status).toBe(201);
    const shown = await show(name);
    ids.set(name, shown.id);
    return shown;
  };
  const report = async (event: string, id: string, address: string): Promise<void> => {
    const payload = { instance_id: id, tenant_id: 'demo', state: 'active', fixed_ips: [{ address, type: 'fixed' }] };
    const body = {
      event_type: `compute.instance.${event}`,
      message_id: id,
      publisher_id: 'compute',
      priority: 'INFO',
      timestamp: new Date().toISOString(),
      payload,
    };
    expect((await call('POST', '/_events', body)).status).toBe(202);
  };
  const exported = (filer: FilerName, name: string): readonly string[] => {
    const file = path.join(folder, filer, 'exports', `${ids.get(name)}.exports`);
    return existsSync(file)
      ? [...readFileSync(file, 'utf8').matchAll(/10\.20\.0\.\d+(?=\()/g)].map(([found]) => found)
      : [];
  };
  const until = async (what: string, holds: () => boolean | Promise<boolean>, milliseconds = SOON_MILLISECONDS) => {
    for (const end = performance.now() + milliseconds; !(await holds()); await delay(50))
      if (performance.now() > end) throw new Error(`not within ${milliseconds} ms: ${what}`);
  };
  const lets = (filer: FilerName, name: string, ...addresses: readonly string[]) =>
    until(`${name} on ${filer} lets in ${addresses.join()}`, () => String(exported(filer, name)) === String(addresses));
  const served = async (name: string): Promise<string | undefined> =>
    (await (await fetch(`${base}/metrics`)).text()).match(
      new RegExp(`^shared_filesystem_backend_served\\{backend="${name}"\\} (\\d)$`, 'm'),
    )?.[1];
  const told = async (name: string) => {
    const { extensions } = (await (await fetch(`${base}/readyz`)).json()) as {
      extensions: [{ backends: readonly { name: string; state: string; served: string }[] }];
    };
    return extensions[0].backends.find((each) => each.name === name);
  };

  it('waits beside a filer until the schema and its rights are there', async () => {
    const filer = startFiler('filer1');
    const { err } = await filer.logged('waiting to start');
    expect(JSON.stringify(err)).toMatch(/There is no schema/);
    for (const name of FILERS)
      expect(await run('migrate', '--grant-reconciler', roles[name], '--backend', name)).toBe(0);
    const { backends, url: at } = await filer.logged('reconciling');
    const url = String(at);
    expect(backends).toMatchObject([{ name: 'filer1', driver: 'nfs' }]);
    await startFiler('filer2').logged('reconciling');

    // it is nobody, and an operator can ask it
    expect(readFileSync(`/proc/${filer.pid}/status`, 'utf8')).toMatch(/^Uid:\t65534\t65534\t65534\t65534$/m);
    await until('filer1 is up', async () => {
      const detail = (await (await fetch(`${url}/readyz`)).json()) as { ready: boolean; backends: [{ state: string }] };
      return detail.ready && detail.backends[0].state === 'up';
    });
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('shared_filesystem_backend_up{backend="filer1"} 1');
    expect((await fetch(`${url}/v1.1/demo/os-filesystem`)).status).toBe(404);
  });

  it('serves the API elsewhere without a driver, and places by rule', async () => {
    const rules = [{ scope: 'global', backend: 'filer1' }, { backend: ['filer2'] }];
    const backends = FILERS.map((name) => ({ name }));
    const gateway = start('api', {
      PORT: '0',
      DATABASE_URL: urlAs(roles.api),
      DATA_DIR: path.join(folder, 'none'),
      BACKENDS: fileOf('api', { rules, backends }),
      NETWORKS,
    });
    base = await gateway.listening();
    for (const name of FILERS)
      await until(`${name} is served`, async () => (await told(name))?.state === 'up' && (await served(name)) === '1');
    expect(await make('everybodys', 'global')).toMatchObject({ backend: 'filer1', status: 'available' });
    expect(await make('ours', 'project')).toMatchObject({ backend: 'filer2', status: 'available' });
    expect(existsSync(path.join(folder, 'filer1', 'volumes', ids.get('ours') ?? ''))).toBe(false);
    expect(existsSync(path.join(folder, 'filer2', 'volumes', ids.get('ours') ?? ''))).toBe(true);
  });

  it('lets in and out on both, as events tell the API', async () => {
    await report('create.end', 'vm-1', '10.20.0.1');
    await report('create.end', 'vm-2', '10.20.0.2');
    for (const [filer, name] of [
      ['filer1', 'everybodys'],
      ['filer2', 'ours'],
    ] as const)
      await lets(filer, name, '10.20.0.1', '10.20.0.2');
    await report('delete.start', 'vm-1', '10.20.0.1');
    for (const [filer, name] of [
      ['filer1', 'everybodys'],
      ['filer2', 'ours'],
    ] as const)
      await lets(filer, name, '10.20.0.2');
  });

  it('says that nobody serves a filer whose reconciler was killed, and the other goes on', async () => {
    await processes.get('filer1')?.kill();
    await report('create.end', 'vm-3', '10.20.0.3');
    await lets('filer2', 'ours', '10.20.0.2', '10.20.0.3');
    await until('it is an alarm', async () => (await served('filer1')) === '0', STALE_MILLISECONDS);
    expect(await told('filer1')).toMatchObject({ state: 'unserved', served: 'elsewhere' });
    expect(await told('filer2')).toMatchObject({ state: 'up' });
    const alarms = processes.get('api')?.log.filter(({ msg }) => msg.startsWith('no process serves a backend'));
    expect(alarms).toEqual([expect.objectContaining({ backend: 'filer1', level: 50 })]);
    expect((await show('everybodys')).access).toMatchObject({
      state: 'updating',
      message: expect.stringMatching(/^No process serves the storage backend now/),
    });
    expect((await show('ours')).access.message).toBeUndefined();
    // wishes are stored
    expect((await call('DELETE', '/everybodys')).status).toBe(202);
  });

  it('catches up when it is back', async () => {
    await startFiler('filer1').logged('reconciling');
    await until('the deleted one is gone', async () => (await call('GET', '/everybodys')).status === 404);
    await until('it is served again', async () => (await served('filer1')) === '1');
    await processes.get('api')?.logged('a backend is served again');
    expect(await make('everybodys', 'global')).toMatchObject({ backend: 'filer1', status: 'available' });
    await lets('filer1', 'everybodys', '10.20.0.2', '10.20.0.3');
  });

  it('leaves in order, which the API knows at once', async () => {
    processes.get('filer2')?.signal('SIGTERM');
    expect(await processes.get('filer2')?.exit).toBe(0);
    await until('it is known', async () => (await told('filer2'))?.state === 'unserved');
  });

  it('refuses to reconcile what its file does not have', async () => {
    const environment = { DATABASE_URL: urlAs(roles.filer1), BACKENDS: path.join(folder, 'filer1.json') };
    const wrong = start('wrong', environment, 'reconcile', '--backend', 'filer2');
    expect(await wrong.exit).toBe(1);
    expect(wrong.errors).toMatch(/--backend filer2: BACKENDS of this machine has no backend of that name/);
  });

  it('says how a role is made that there is not', async () => {
    expect(await run('migrate', '--grant-reconciler', 'nobody_at_all', '--backend', 'filer1')).toBe(1);
    expect(processes.get('migrate')?.errors).toContain('create role "nobody_at_all" login password');
  });
});
