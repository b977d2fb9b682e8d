import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { eventually } from '../support/eventually';
import { GatewayProcess } from '../support/gateway-process';

/** The commands as an operator has them, beside a gateway with its embedded Postgres and directories. */
describe('the commands for volumes and rows that have lost each other', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'storage-'));
  const inVolumes = (...names: string[]) => path.join(folder, 'volumes', ...names);
  const environment = { PORT: '0', DATA_DIR: folder, DRIFT_INTERVAL: '2' };
  const program = ['node', 'dist/lib/cli/main.js'] as const;
  const gateway = new GatewayProcess(program, environment);
  let base = '';
  beforeAll(async () => {
    base = `${await gateway.listening()}/v1.1/demo/os-filesystem`;
  }, 60_000);
  afterAll(async () => {
    gateway.interrupt();
    await gateway.exit;
    rmSync(folder, { recursive: true, force: true });
  });

  const run = async (line: string, said: Record<string, string> = {}) => {
    const command = new GatewayProcess([...program, ...line.split(' ')], { ...environment, ...said });
    const exit = await command.exit;
    return { exit, output: command.output, errors: command.errors };
  };
  const put = async (name: string): Promise<string> => {
    const body = JSON.stringify({ fs_entry: { size: '1Gb', scope: 'project' } });
    const headers = { 'Content-Type': 'application/json', Prefer: 'wait=20' };
    const answer = await fetch(`${base}/${name}`, { method: 'PUT', body, headers });
    return ((await answer.json()) as { fs_entry: { id: string } }).fs_entry.id;
  };
  const show = async (name: string) => {
    const { fs_entry: entry } = (await (await fetch(`${base}/${name}`)).json()) as {
      fs_entry?: Record<string, unknown>;
    };
    return entry;
  };
  const becomes = (name: string, status: string) =>
    eventually(async () => {
      const found = (await show(name))?.status;
      return found === status ? null : `${name} is ${String(found)}`;
    }, 25_000);
  /** As a database that was restored leaves it: a volume with its record, and no row. */
  const anOrphan = (name: string): string => {
    const id = randomUUID();
    const record = { id, name, owner: 'demo', scope: 'project', project: 'demo', size: '1Gb', revision: '7' };
    mkdirSync(inVolumes(id), { mode: 0o777 });
    writeFileSync(inVolumes(id, 'file'), 'kept');
    writeFileSync(inVolumes(`${id}.json`), JSON.stringify(record));
    return id;
  };

  it('list what stands without a row, and adopt it as it was', async () => {
    expect(await run('orphans')).toEqual({
      exit: 0,
      output: 'No volume stands without a row on default.\n',
      errors: '',
    });
    const id = anOrphan('mydata');
    await gateway.logged('a volume stands on the backend without a row: adopt it, or purge it');

    const listed = await run('orphans --backend default --json');
    expect(JSON.parse(listed.output)).toEqual([
      {
        backend: 'default',
        id,
        state: 'in service',
        name: 'mydata',
        owner: 'demo',
        scope: 'project',
        project: 'demo',
        size: '1Gb',
        revision: 7,
        number: null,
        addresses: [],
      },
    ]);
    expect(await run(`adopt ${id}`)).toEqual({
      exit: 0,
      output: `${id} is adopted as "mydata" of demo, scope project, 1Gb.\n`,
      errors: '',
    });
    await becomes('mydata', 'available');
    await eventually(async () => ((await show('mydata'))?.export_location ? null : 'no export location'));
    expect(await show('mydata')).toMatchObject({ id, size: '1Gb', export_location: expect.stringContaining(id) });
    expect(readFileSync(inVolumes(id, 'file'), 'utf8')).toBe('kept');
    const again = await run(`adopt ${id}`);
    expect(again).toMatchObject({ exit: 1, output: '' });
    expect(again.errors).toMatch(/^nova-shared-filesystem: .* has a row already: filesystem "mydata"/);
  }, 90_000);

  it('make a lost volume anew when they are told to', async () => {
    const id = await put('lost');
    const refused = await run(`recreate ${id}`);
    expect(refused).toMatchObject({ exit: 1 });
    expect(refused.errors).toMatch(/No run has found the volume of "lost" lost/);
    rmSync(inVolumes(id), { recursive: true });
    await becomes('lost', 'error');
    expect(await run(`recreate ${id} --json`)).toMatchObject({ exit: 0, errors: '' });
    await becomes('lost', 'available');
    expect(readdirSync(inVolumes(id))).toEqual([]);
  }, 90_000);

  it('work on no storage but the backend’s own', async () => {
    const moved = `${folder}/elsewhere`;
    renameSync(inVolumes(), moved);
    const refused = await run('orphans');
    renameSync(moved, inVolumes());
    expect(refused).toMatchObject({ exit: 1, output: '' });
    expect(refused.errors).toMatch(/The storage of backend "default" has no marker/);
  }, 60_000);

  it.each([
    ['orphans --backend other', {}, 1, /no backend "other"/],
    ['orphans', { DATA_DIR: '/nonexistent' }, 1, /There is no database in \/nonexistent/],
    ['adopt nothing', {}, 2, /needs the id of one volume/],
  ])(
    'say in one line why not: %s',
    async (line, said, exit, why) => {
      const refused = await run(line, said);
      expect(refused).toMatchObject({ exit, output: '' });
      expect(refused.errors).toMatch(why);
      expect(refused.errors.trim().split('\n')).toHaveLength(1);
    },
    60_000,
  );
});
