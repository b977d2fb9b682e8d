import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { GatewayProcess } from '../support/gateway-process';

const PROJECTS = ['alpha', 'beta', 'gamma'];
const ROUNDS = 12;
const EVENTS_A_ROUND = 25;
const SOON_MILLISECONDS = 30_000;

/** Two gateways on one DATA_DIR; one of them is always being killed while events come in. */
describe('gateways that are killed over and over', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'gateway-'));
  const gateways: GatewayProcess[] = [];
  const urls: string[] = [];
  /** Instances that are there: project and address by id. */
  const live = new Map<string, { readonly project: string; readonly address: string }>();
  let number = 0;

  const start = async (index: number): Promise<void> => {
    const environment = { PORT: '0', DATA_DIR: folder };
    const gateway = new GatewayProcess(['node', 'dist/lib/cli/main.js'], environment);
    gateways[index] = gateway;
    urls[index] = await gateway.listening();
  };
  beforeAll(async () => {
    await start(0);
    await start(1);
  });
  afterAll(async () => {
    for (const gateway of gateways) {
      gateway.interrupt();
      await gateway.exit;
    }
    rmSync(folder, { recursive: true, force: true });
  });

  /** Asks whichever answers; one that is killed in the middle does not. */
  const send = async (method: string, where: string, body?: object): Promise<Response> => {
    for (const until = Date.now() + SOON_MILLISECONDS; ; ) {
      const url = urls[Math.floor(Math.random() * urls.length)];
      const content = body && { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
      const answer = await fetch(`${url}/v1.1${where}`, { method, ...content }).catch(() => null);
      if (answer && answer.status !== 503) return answer;
      if (Date.now() > until) throw new Error(`${method} ${where}: nobody answers`);
      await wait(20);
    }
  };
  const report = async (event: string, id: string, project: string, address: string): Promise<void> => {
    const payload = { instance_id: id, tenant_id: project, state: 'active', fixed_ips: [{ address, type: 'fixed' }] };
    const timestamp = new Date().toISOString();
    const body = {
      event_type: `compute.instance.${event}`,
      message_id: id,
      publisher_id: 'compute',
      priority: 'INFO',
      timestamp,
      payload,
    };
    const { status } = await send('POST', `/${project}/os-filesystem/_events`, body);
    expect(status).toBe(202);
  };
  const turn = async (): Promise<void> => {
    number += 1;
    const project = PROJECTS[number % PROJECTS.length] ?? '';
    const address = `10.5.${Math.floor(number / 200)}.${(number % 200) + 1}`;
    await report('create.end', `vm-${number}`, project, address);
    live.set(`vm-${number}`, { project, address });
    const [oldest] = live;
    if (!oldest || live.size <= 30) return;
    const [id, known] = oldest;
    await report('delete.start', id, known.project, known.address);
    live.delete(id);
  };
  const exported = async (project: string, name: string): Promise<readonly string[]> => {
    const answer = await send('GET', `/${project}/os-filesystem/${name}`);
    const { fs_entry: entry } = (await answer.json()) as { fs_entry: { id: string } };
    const text = readFileSync(path.join(folder, 'exports', `${entry.id}.exports`), 'utf8');
    return (text.match(/10\.5\.\d+\.\d+(?=\()/g) ?? []).toSorted();
  };
  const entitled = (project: string | null): readonly string[] =>
    [...live.values()]
      .flatMap((each) => (project === null || each.project === project ? [each.address] : []))
      .toSorted();

  /** What is exported when it is what should be, or when that took too long. */
  const settled = async (project: string, name: string, of: string | null): Promise<readonly string[]> => {
    for (const until = Date.now() + SOON_MILLISECONDS; ; await wait(100)) {
      const found = await exported(project, name);
      if (String(found) === String(entitled(of)) || Date.now() > until) return found;
    }
  };

  it('lose no event, and let in exactly who is entitled when they are left alone', async () => {
    const filesystems: [project: string, name: string, of: string | null][] = [
      ...PROJECTS.map((project): [string, string, string] => [project, `of-${project}`, project]),
      ['alpha', 'everybodys', null],
    ];
    for (const [project, name, of] of filesystems) {
      const entry = { size: '1Gb', scope: of === null ? 'global' : 'project' };
      expect((await send('PUT', `/${project}/os-filesystem/${name}`, { fs_entry: entry })).status).toBe(201);
    }
    for (let round = 0; round < ROUNDS; round += 1) {
      const index = round % 2;
      const events = (async () => {
        for (let event = 0; event < EVENTS_A_ROUND; event += 1) await turn();
      })();
      await gateways[index]?.kill();
      await start(index);
      await events;
    }
    for (const [project, name, of] of filesystems) expect(await settled(project, name, of)).toEqual(entitled(of));
  });
});
