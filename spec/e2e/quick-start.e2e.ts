import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { GatewayProcess } from '../support/gateway-process';

/** The project and the addresses of the instance that was captured. */
const PROJECT = 'c735cd3225ff4a8d8610dbac82687363';
const ADDRESSES = ['10.20.0.19', 'fd00:20::13'];
const INSTANCE = '2c62ffa2-dbc4-4299-92c6-5169173eda21';
const SOON_MILLISECONDS = 1_000;
const PATIENT_MILLISECONDS = 15_000;

const captured = (name: string): string =>
  readFileSync(path.join(__dirname, '../fixtures/nova/real', `${name}.json`), 'utf8');

const eventually = async (what: string, holds: () => boolean, milliseconds: number): Promise<void> => {
  for (const end = performance.now() + milliseconds; !holds(); await delay(5))
    if (performance.now() > end) throw new Error(`not within ${milliseconds} ms: ${what}`);
};

interface Answer {
  readonly status: number;
  readonly body: { readonly [key: string]: unknown } & { readonly fs_entry?: { readonly id: string } };
}

describe('npm start, as the README says', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'gateway-'));
  let gateway: GatewayProcess;
  let base: string;
  const start = async (port: string): Promise<void> => {
    gateway = GatewayProcess.byNpmStart({ PORT: port, DATA_DIR: folder });
    base = `${await gateway.listening()}/v1.1`;
  };
  /** `kill -9` of everything that npm has started, and a new start on what is left. */
  const killAndStartAgain = async (): Promise<void> => {
    const { port } = new URL(base);
    await gateway.kill();
    await start(port);
  };
  beforeAll(() => start('0'));
  afterAll(async () => {
    await gateway.kill();
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  });

  const call = async (method: string, at: string, body?: string, headers = {}): Promise<Answer> => {
    const type = body === undefined ? {} : { 'Content-Type': 'application/json' };
    const answer = await fetch(base + at, { method, headers: { ...type, ...headers }, ...(body && { body }) });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? {} : JSON.parse(text) };
  };
  const put = (tenant: string, name: string, entry: object) =>
    call('PUT', `/${tenant}/os-filesystem/${name}`, JSON.stringify({ fs_entry: entry }), { Prefer: 'wait=30' });

  /** The lines of a filesystem's exports file that let somebody in. */
  const exported = (id: string): string => {
    const file = path.join(folder, 'exports', `${id}.exports`);
    if (!existsSync(file)) return '';
    return readFileSync(file, 'utf8').replace(/^#.*$/gm, '');
  };
  const letsIn = (id: string, addresses: readonly string[]): boolean =>
    addresses.every((address) => exported(id).includes(`${address}(`));

  describe("the specification's samples, in its order", () => {
    it('create a file system, project-wide', async () => {
      const { status, body } = await put('tenant', 'homeforproject1', {
        size: '4Gb',
        scope: 'project',
        project: 'project1',
      });
      const sample = { name: 'homeforproject1', size: '4Gb', scope: 'project', project: 'project1' };
      expect([status, body]).toEqual([201, { fs_entry: expect.objectContaining(sample) }]);
    });

    it('create a file system, for instances', async () => {
      const { status, body } = await put('tenant', 'instance2storage', { size: '80Gb', scope: 'instance' });
      const sample = { name: 'instance2storage', size: '80Gb', scope: 'instance' };
      expect([status, body]).toEqual([201, { fs_entry: expect.objectContaining(sample) }]);
    });

    it('get the list of available file systems', async () => {
      const { status, body } = await call('GET', '/tenant/os-filesystem');
      expect(status).toBe(200);
      expect(body.fs_entries).toEqual([
        { name: 'homeforproject1', size: '4Gb', scope: 'project', project: 'project1' },
        { name: 'instance2storage', size: '80Gb', scope: 'instance' },
      ]);
    });

    it('delete a file system, and none that there is not', async () => {
      const { status } = await call('DELETE', '/tenant/os-filesystem/instance2storage');
      expect(status).toBe(202);
      expect((await call('DELETE', '/tenant/os-filesystem/nothing')).status).toBe(404);
    });

    it('list the instances connected to a file system', async () => {
      const events = ['instance00001', 'instance00002'].map((id) => ({
        ...JSON.parse(captured('legacy-compute.instance.create.end')),
        payload: { instance_id: id, tenant_id: 'project1', state: 'active', fixed_ips: [] },
      }));
      expect((await call('POST', '/tenant/os-filesystem/_events', JSON.stringify({ events }))).status).toBe(202);
      const { status, body } = await call('GET', '/tenant/os-filesystem/homeforproject1/instances');
      expect([status, body]).toEqual([200, { instance_entries: [{ id: 'instance00001' }, { id: 'instance00002' }] }]);
    });

    it('connect an instance to a file system, which is free again after its deletion', async () => {
      await call('DELETE', '/tenant/os-filesystem/instance2storage', undefined, { Prefer: 'wait=30' });
      expect((await put('tenant', 'instance2storage', { size: '80Gb', scope: 'instance' })).status).toBe(201);
      const { status, body } = await call('PUT', '/tenant/os-filesystem/instance2storage/instances/instance00001');
      expect([status, body]).toEqual([201, { instance_entry: { id: 'instance00001' } }]);
    });

    it('remove an instance from a file system, and none that there is not', async () => {
      const at = '/tenant/os-filesystem/instance2storage/instances';
      expect((await call('DELETE', `${at}/instance00001`)).status).toBe(202);
      expect((await call('DELETE', `${at}/nothing`)).status).toBe(404);
    });
  });

  describe.each([
    ['the legacy notifications that a real Nova sent', 'legacy-compute.', INSTANCE, ADDRESSES, false],
    ['its versioned ones', 'versioned-', '11111111-dbc4-4299-92c6-5169173eda21', ['10.20.0.77', 'fd00:20::77'], false],
    [
      'a kill -9 after each of them',
      'versioned-',
      '22222222-dbc4-4299-92c6-5169173eda21',
      ['10.20.0.78', 'fd00:20::78'],
      true,
    ],
  ])('after %s', (_what, kind, instance, addresses, killed) => {
    const ids: Record<'everybody' | 'ours' | 'theirs' | 'chosen', string> = {
      everybody: '',
      ours: '',
      theirs: '',
      chosen: '',
    };
    const soon = killed ? PATIENT_MILLISECONDS : SOON_MILLISECONDS;
    /** Another instance, with addresses of its own, where one has been deleted before. */
    const event = (name: string): string =>
      captured(kind + name)
        .replaceAll(INSTANCE, instance)
        .replaceAll(ADDRESSES[0] ?? '', addresses[0] ?? '')
        .replaceAll(ADDRESSES[1] ?? '', addresses[1] ?? '');
    const report = async (name: string): Promise<void> => {
      const { status } = await call('POST', `/${PROJECT}/os-filesystem/_events`, event(name));
      expect(status).toBe(202);
    };

    beforeAll(async () => {
      const made = {
        everybody: await put(PROJECT, 'everybody', { size: '1Gb', scope: 'global' }),
        ours: await put(PROJECT, 'ours', { size: '1Gb', scope: 'project' }),
        theirs: await put('another', 'theirs', { size: '1Gb', scope: 'project' }),
        chosen: await put(PROJECT, 'chosen', { size: '1Gb', scope: 'instance' }),
      };
      for (const name of ['everybody', 'ours', 'theirs', 'chosen'] as const)
        ids[name] = made[name].body.fs_entry?.id ?? '';
    });

    it('an instance that is there is let into the global filesystem and that of its project, not of another', async () => {
      await report('instance.create.end');
      if (killed) await killAndStartAgain();
      await eventually('in everybody', () => letsIn(ids.everybody, addresses), soon);
      await eventually('in ours', () => letsIn(ids.ours, addresses), soon);
      expect([exported(ids.theirs), exported(ids.chosen)].join('')).not.toContain(addresses[0]);
    });

    it('one that is connected is let into the filesystem that was chosen', async () => {
      const { status } = await call('PUT', `/${PROJECT}/os-filesystem/chosen/instances/${instance}`);
      expect(status).toBe(201);
      if (killed) await killAndStartAgain();
      await eventually('in chosen', () => letsIn(ids.chosen, addresses), soon);
    });

    it('one that is being deleted is out of all of them', async () => {
      await report('instance.delete.start');
      if (killed) await killAndStartAgain();
      for (const id of [ids.everybody, ids.ours, ids.chosen])
        await eventually('out', () => !addresses.some((address) => exported(id).includes(address)), soon);
    });
  });

  it('finds at the next start what was there, and stops without leaving anything behind', async () => {
    const { port } = new URL(base);
    await stopped();
    expect(existsSync(path.join(folder, 'postgres-18/data/postmaster.pid'))).toBe(false);
    await start(port);
    const { body } = await call('GET', `/${PROJECT}/os-filesystem`);
    expect(body.fs_entries).toEqual([
      { name: 'chosen', size: '1Gb', scope: 'instance' },
      { name: 'everybody', size: '1Gb', scope: 'global' },
      { name: 'ours', size: '1Gb', scope: 'project', project: PROJECT },
    ]);
    await stopped();
  });

  /** In order: what npm itself makes of Ctrl-C is its own. */
  async function stopped(): Promise<void> {
    gateway.interrupt();
    await gateway.exit;
    await gateway.logged('stopped');
  }
});
