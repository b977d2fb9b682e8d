import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { type CountingRule, parseCountingNetwork } from '../../lib/domain/address';
import { createDriver } from '../../lib/drivers';
import { type Driver, TerminalError, type Volume } from '../../lib/ports/driver';
import { GuardedDriver } from '../../lib/sync/guarded-driver';
import { InMemoryDriver } from '../support/in-memory-driver';
import { aProcess } from '../support/stores';

const ID = '9f2f9b5c-4f5e-4d6a-9c3b-0a7f3f0f6b11';
const IDENTITY = '9f2f9b5c-4f5e-4d6a-9c3b-0a7f3f0f6b12';
const RULE: CountingRule = {
  networks: ['10.20.0.0/16', 'fd00:20::/64', '10.30.0.0/16@net'].map(parseCountingNetwork),
  kinds: ['fixed'],
  excluded: ['10.20.0.5'],
};
const { signal } = new AbortController();

/** A row as a database that somebody has taken over may have it: no constraint holds there. */
const aRow = (said: object = {}): Volume =>
  Object.assign(
    {
      id: ID,
      name: 'data',
      size: { bytes: 4096n, text: '4Kb' },
      owner: 'demo',
      scope: 'global' as const,
      project: null,
      desiredRevision: 1n,
      number: null,
    },
    said,
  );

describe('a driver behind its guard', () => {
  let inner: InMemoryDriver;
  let driver: Driver;
  beforeEach(async () => {
    inner = new InMemoryDriver();
    driver = new GuardedDriver(inner, RULE);
    await driver.ensure(aRow(), true, signal);
    inner.calls.length = 0;
  });

  const sync = (addresses: readonly string[], mayGrant = true) =>
    driver.syncAccess(aRow(), { addresses, revision: 1n }, mayGrant, signal);

  it('lets in what its own settings let count', async () => {
    const addresses = ['10.20.0.7', '10.30.0.7', 'fd00:20::7'];
    expect((await sync(addresses)).refused.size).toBe(0);
    expect(inner.lists.get(ID)?.addresses).toEqual(addresses);
  });

  it.each([
    '10.21.0.7',
    '10.20.0.5',
    '0.0.0.0',
    '127.0.0.1',
    '169.254.1.1',
    '224.0.0.1',
    '::',
    '::ffff:10.20.0.7',
    'fd00:21::1',
    'FD00:20::7',
    '10.20.0.0/16',
    '10.20.0.7/32',
    '010.020.0.7',
    '*',
    'host.example.org',
    '10.20.0.7(rw,no_root_squash)',
    '10.20.0.7\n/ *',
    '10.20.0.7 ',
    'fe80::1%eth0',
    '',
  ])('keeps out "%s", and the others in', async (address) => {
    const { refused } = await sync(['10.20.0.7', address]);
    expect([...refused.keys()]).toEqual([address]);
    expect(inner.lists.get(ID)?.addresses).toEqual(['10.20.0.7']);
  });

  it('takes away by a list that it does not believe', async () => {
    await sync(['10.20.0.7', '10.20.0.8']);
    await sync(['10.20.0.8', '0.0.0.0'], false);
    expect(inner.lists.get(ID)?.addresses).toEqual(['10.20.0.8']);
  });

  const calls: [string, (volume: Volume) => Promise<unknown>][] = [
    ['ensure', (volume) => driver.ensure(volume, true, signal)],
    ['syncAccess', (volume) => driver.syncAccess(volume, { addresses: [], revision: 1n }, false, signal)],
    ['readAccess', (volume) => driver.readAccess(volume, signal)],
    ['retire', (volume) => driver.retire(volume, signal)],
    ['restore', (volume) => driver.restore(volume, signal)],
    ['purge', (volume) => driver.purge(volume, signal)],
    ['record', ({ id }) => driver.record(id, signal)],
    ['mark', ({ id }) => driver.mark(id, signal)],
  ];
  const ids = ['../../etc', '', '.', `${ID}/..`, `${ID}\n`, ID.toUpperCase(), null];
  it.each(calls.flatMap(([name, call]) => ids.map((id) => [name, id, call] as const)))(
    '%s goes no further with the id %j',
    async (_, id, call) => {
      await expect(call(aRow({ id }))).rejects.toThrow(TerminalError);
      expect(inner.calls).toEqual([]);
    },
  );

  it.each([
    ['a size', { size: { bytes: 0n, text: '0' } }],
    ['a revision', { desiredRevision: -1n }],
    ['a number', { number: 0 }],
    ['a number', { number: 1.5 }],
    ['a number', { number: '1; reboot' }],
  ])('goes no further where %s is none: %j', async (_, said) => {
    await expect(driver.ensure(aRow(said), true, signal)).rejects.toThrow(TerminalError);
    expect(inner.calls).toEqual([]);
  });

  it('counts volumes alone', async () => {
    expect([...(await driver.usage([{ id: ID }, { id: '../x' }], signal)).keys()]).toEqual([ID]);
  });

  it('passes on no word that cannot be one', async () => {
    const hostile = 'x\n/ *(rw)\r"$(reboot)`\u0000é';
    await driver.ensure(
      aRow({ name: hostile, owner: hostile, project: hostile, scope: hostile, size: { bytes: 5n, text: hostile } }),
      false,
      signal,
    );
    const { name, owner, project, scope, size } = inner.records.get(ID) ?? {};
    expect([name, scope, size]).toEqual(['x?????rw?????reboot????', 'instance', '5']);
    for (const word of [owner, project]) expect(word).toMatch(/^[!-.0-~]+$/);
  });
});

describe('nfs behind its guard, with a row of a hostile database', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'hostile-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('writes where and what its own settings say, and nothing else', async () => {
    const options = {
      name: 'filer',
      driver: 'nfs',
      server: 'exports-file',
      volumes: { kind: 'directory', root: path.join(folder, 'volumes') },
      exports: { directory: path.join(folder, 'exports'), exportAddress: '10.20.0.5' },
    };
    const driver = new GuardedDriver(createDriver(options, { process: aProcess() }), RULE);
    await driver.mark(IDENTITY, signal);
    const row = aRow({ name: 'x\n/etc *(rw,no_root_squash)', owner: 'y\n/ *' });
    await driver.ensure(row, true, signal);
    const addresses = ['10.20.0.7', '10.20.0.8(rw,no_root_squash)', '*', '10.20.0.9\n/etc *(rw)'];
    await driver.syncAccess(row, { addresses, revision: 1n }, true, signal);

    const text = await readFile(path.join(folder, 'exports', `${ID}.exports`), 'utf8');
    const lines = text
      .replaceAll('\\\n', ' ')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(lines).toHaveLength(1);
    expect(lines[0]?.split(/\s+/).map((word) => word.replace(/\(.*/, ''))).toEqual([
      path.join(folder, 'volumes', ID),
      '10.20.0.7',
    ]);
    expect(lines[0]).not.toMatch(/no_root_squash/);
    expect((await readdir(folder)).toSorted()).toEqual(['exports', 'volumes']);
    expect((await readdir(path.join(folder, 'volumes'))).filter((name) => !name.startsWith('.')).toSorted()).toEqual([
      ID,
      `${ID}.json`,
    ]);
  });
});
