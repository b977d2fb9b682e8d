import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { GatewayProcess } from '../support/gateway-process';

const ROOT = path.resolve(__dirname, '../..');
const extension = (name: string) => path.join(ROOT, 'spec/fixtures/extensions', name, 'extension.json');
/** Nothing asks it: the extensions of these specs have no use for a database. */
const DATABASE_URL = 'postgres://someone:secret@127.0.0.1:1/nothing';
const GREETING = { PORT: '0', DATABASE_URL, EXTENSIONS: extension('greeting') };

describe('the command line', () => {
  const processes: GatewayProcess[] = [];
  const folders: string[] = [];
  const start = (environment: Record<string, string>, ...words: string[]): GatewayProcess => {
    const gateway = GatewayProcess.ofSources(environment, ...words);
    processes.push(gateway);
    return gateway;
  };
  const aFolder = (): string => {
    const folder = mkdtempSync(path.join(tmpdir(), 'gateway-'));
    folders.push(folder);
    return folder;
  };
  afterEach(async () => {
    await Promise.all(processes.splice(0).map((gateway) => gateway.kill()));
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  it('tells how it is used', async () => {
    const gateway = start({}, '--help');
    expect(await gateway.exit).toBe(0);
    expect(gateway.output).toMatch(/^Usage: nova-shared-filesystem/);
  });

  it('tells its version', async () => {
    const gateway = start({}, '--version');
    expect(await gateway.exit).toBe(0);
    expect(gateway.output).toBe(`${JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')).version}\n`);
  });

  it.each([['--port=1'], ['serve'], ['-x']])('refuses the argument %s', async (word) => {
    const gateway = start(GREETING, word);
    expect(await gateway.exit).toBe(2);
    expect(gateway.errors).toMatch(new RegExp(`^Unknown argument in "${word}".*\n$`));
  });

  it('refuses a setting that it cannot use, in one line', async () => {
    const gateway = start({ ...GREETING, PORT: 'http' });
    expect(await gateway.exit).toBe(1);
    expect(gateway.errors).toBe(
      'nova-shared-filesystem: PORT="http" cannot be used: expected a whole number from 0 to 65535.\n',
    );
  });

  it('says that its port is in use, in one line, before it touches anything', async () => {
    const { port } = new URL(await start(GREETING).listening());
    const DATA_DIR = path.join(aFolder(), 'data');
    const second = start({ PORT: port, DATA_DIR, EXTENSIONS: extension('greeting') });
    expect(await second.exit).toBe(1);
    expect(second.errors).toBe(
      `nova-shared-filesystem: Port ${port} of 127.0.0.1 is in use: stop what listens there, or choose another PORT.\n`,
    );
    expect(existsSync(DATA_DIR)).toBe(false);
  });

  it('refuses to listen to the world in development', async () => {
    const gateway = start({ ...GREETING, HOST: '0.0.0.0' });
    expect(await gateway.exit).toBe(1);
    expect(gateway.errors).toMatch(/listens on loopback addresses alone, and HOST="0.0.0.0" is none/);
  });

  it('tells where it listens, what it uses, that development is for development, and a command to try', async () => {
    const gateway = start(GREETING);
    const url = await gateway.listening();
    await gateway.logged('IDENTITY=development takes everybody for an administrator: for development alone');
    await gateway.told('curl -X PUT');
    expect(gateway.errors).toContain(`listens on  ${url}`);
    expect(gateway.errors).toContain('database    postgres://someone:***@127.0.0.1:1/nothing');
    expect(gateway.errors).toMatch(/IDENTITY=development .* for development alone/);
    expect(gateway.errors).toContain(`\n  curl -X PUT ${url}/v1.1/demo/os-filesystem/`);
  });

  it('never tells the password of its database', async () => {
    const gateway = start({ ...GREETING, LOG_LEVEL: 'debug' });
    await gateway.listening();
    expect(gateway.output + gateway.errors).not.toContain('secret');
  });

  it('logs one line of JSON each where there is no terminal', async () => {
    const gateway = start(GREETING);
    await gateway.listening();
    const lines = gateway.output.trim().split('\n');
    expect(lines.map((line) => typeof JSON.parse(line).msg)).toEqual(lines.map(() => 'string'));
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('stops in order at %s, and answers who waits', async (name) => {
    const gateway = start(GREETING);
    const url = await gateway.listening();
    const waiting = fetch(`${url}/v1.1/demo/greeting/later`);
    await gateway.logged('somebody waits');
    gateway.signal(name);
    expect(await (await waiting).json()).toEqual({ greeting: 'Goodbye' });
    expect(await gateway.exit).toBe(0);
    expect(gateway.log.map(({ msg }) => msg).slice(-3)).toEqual(['stopping', 'greeting stopped', 'stopped']);
  });

  it('takes one Ctrl-C that arrives twice, as under npm, for one', async () => {
    const gateway = start(GREETING);
    await gateway.listening();
    gateway.signal('SIGINT');
    gateway.signal('SIGINT');
    expect(await gateway.exit).toBe(0);
    expect(gateway.log.at(-1)?.msg).toBe('stopped');
  });

  it('quits at once at the second Ctrl-C', async () => {
    const gateway = start(GREETING);
    const url = await gateway.listening();
    const waiting = fetch(`${url}/v1.1/demo/greeting/never`).catch(() => 'cut off');
    await gateway.logged('somebody waits');
    gateway.signal('SIGINT');
    await gateway.logged('greeting stopped'); // a second later: the request did not end
    gateway.signal('SIGINT');
    expect(await gateway.exit).toBe(130);
    expect(await waiting).toBe('cut off');
  });

  it('serves extensions of any kind of module, each where its manifest says', async () => {
    const gateway = start({ ...GREETING, EXTENSIONS: `${extension('greeting')},${extension('echo')}` });
    const url = await gateway.listening();
    const listed = await (await fetch(`${url}/v1.1/demo/extensions`)).text();
    const echo = await fetch(`${url}/echo/demo/echo`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{"said": 1}',
    });
    expect([...listed.matchAll(/"alias":"([a-z-]+)"/g)].map(([, alias]) => alias)).toEqual(['os-greeting', 'os-echo']);
    expect(await echo.json()).toEqual({ said: 1 });
  });

  it('waits for a database that is out of reach', async () => {
    const gateway = start({ ...GREETING, EXTENSIONS: extension('reluctant') });
    const url = await gateway.listening();
    expect(gateway.log[0]).toMatchObject({ msg: 'waiting to start', alias: 'os-reluctant' });
    expect(await (await fetch(`${url}/v1.1/demo/x`)).json()).toEqual({ tries: 2 });
  });

  it('does not start where an extension cannot', async () => {
    const broken = { ...GREETING, EXTENSIONS: extension('reluctant'), DATABASE_URL: 'postgres://127.0.0.1/broken' };
    const gateway = start(broken);
    expect(await gateway.exit).toBe(1);
    expect(gateway.errors).toBe('nova-shared-filesystem: The schema is of a newer program.\n');
  });

  it('runs a Postgres of its own, and leaves nothing of it behind', async () => {
    const DATA_DIR = aFolder();
    const pidFile = path.join(DATA_DIR, 'postgres-18', 'data', 'postmaster.pid');
    const gateway = start({ PORT: '0', DATA_DIR, EXTENSIONS: extension('greeting') });
    await gateway.listening();
    expect(existsSync(pidFile)).toBe(true);
    gateway.interrupt();
    expect(await gateway.exit).toBe(0);
    expect(existsSync(pidFile)).toBe(false);
  });

  it('gives up in order when it is interrupted while it starts', async () => {
    const DATA_DIR = aFolder();
    const gateway = start({ PORT: '0', DATA_DIR, EXTENSIONS: extension('greeting'), LOG_LEVEL: 'debug' });
    await gateway.logged('starting');
    gateway.interrupt();
    expect(await gateway.exit).toBe(0);
    expect(existsSync(path.join(DATA_DIR, 'postgres-18', 'data', 'postmaster.pid'))).toBe(false);
  });
});
