import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { parseSize } from '../../../lib/domain/size';
import { createGlusterDriver } from '../../../lib/drivers/gluster';
import { Settings } from '../../../lib/drivers/settings';
import { type Driver, TerminalError, type Volume, VolumeLost } from '../../../lib/ports/driver';
import { thisProcess } from '../../../lib/process-identity';
import { eventually } from '../../support/eventually';
import { GlusterStandIn } from '../../support/gluster-stand-in';
import { aVolume } from '../contract';

const { signal } = new AbortController();
const BRICKS = ['192.0.2.1:/bricks/one', '192.0.2.2:/bricks/one', '192.0.2.3:/bricks/one'];

describe('driver gluster', () => {
  let folder: string;
  let gluster: GlusterStandIn;
  let driver: Driver;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'nova-shared-filesystem-spec-'));
    gluster = new GlusterStandIn();
    driver = driverWith();
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const driverWith = (settings: Record<string, unknown> = {}) =>
    createGlusterDriver(
      new Settings(
        {
          bricks: BRICKS,
          replica: 3,
          exportAddress: 'gluster.example',
          brickCommand: ['/usr/bin/ssh', 'root@{host}'],
          lockDirectory: path.join(folder, 'locks'),
          ...settings,
        },
        'backend "gluster"',
      ),
      'settings',
      thisProcess(),
      { run: gluster.run, partingMilliseconds: 500 },
    );
  const made = async (): Promise<Volume> => {
    const volume = aVolume();
    await driver.ensure(volume, true, signal);
    return volume;
  };
  const sync = (volume: Volume, addresses: readonly string[], revision: bigint, waiting: readonly string[] = []) =>
    driver.syncAccess(volume, { addresses, revision, waiting }, true, signal);
  const option = (volume: Volume, name: string) => gluster.volumes.get(volume.id)?.options.get(name);
  const scattered = (count: number) =>
    Array.from({ length: count }, (_, index) => `10.${100 + Math.floor(index / 100)}.${100 + (index % 100)}.101`);

  describe('a new volume', () => {
    it('is on all bricks, and lets in nobody before it is started', async () => {
      const { id } = await made();
      const name = `192.0.2.1:/bricks/one/${id}`;
      expect(gluster.volumes.get(id)?.bricks).toEqual(BRICKS.map((brick) => `${brick}/${id}`));
      expect(gluster.callsOf('volume', 'create')[0]).toContain(`volume create ${id} replica 3 ${name} `);
      const changes = gluster.calls
        .filter((call) => !/volume (info|status)/.test(call))
        .map((call) => call.split(' ')[4]);
      expect(changes.slice(0, 4)).toEqual(['create', 'set', 'start', 'quota']);
      expect(gluster.callsOf('volume', 'set')[0]).toContain('auth.allow 0.0.0.0');
    });
    it('is taken on where its making was broken off, at every step', async () => {
      const steps = 7;
      for (let step = 0; step <= steps; step++) {
        const volume = aVolume();
        let left = step;
        const dying = createGlusterDriver(
          new Settings(
            { bricks: BRICKS, exportAddress: 'a', brickCommand: ['/bin/x', '{host}'], lockDirectory: folder },
            'b',
          ),
          '',
          thisProcess(),
          {
            run: async (...call) => {
              if (left-- === 0) throw new Error('killed');
              return gluster.run(...call);
            },
            partingMilliseconds: 500,
          },
        );
        await dying.ensure(volume, true, signal).catch(() => undefined);
        await driver.ensure(volume, true, signal);
        expect(option(volume, 'auth.allow')).toBe('0.0.0.0');
        expect(gluster.volumes.get(volume.id)).toMatchObject({ isStarted: true, limit: volume.size.bytes });
        expect(option(volume, 'features.hard-timeout')).toBe('0');
      }
    });
    it('never takes a volume of somebody else that has its name', async () => {
      const volume = aVolume();
      const foreign = { bricks: [], options: new Map([['auth.allow', '*']]), isStarted: true, limit: null };
      gluster.volumes.set(volume.id, foreign);
      await expect(driver.ensure(volume, true, signal)).rejects.toThrow(TerminalError);
      expect(foreign.options.get('auth.allow')).toBe('*');
      expect(await driver.volumes(signal)).toEqual([]);
      await driver.retire(volume, signal);
      await driver.purge(volume, signal);
      expect(gluster.volumes.has(volume.id)).toBe(true);
    });
    it('has the options that are configured, which are set again when they are others', async () => {
      const volume = await made();
      const other = driverWith({ options: ['network.ping-timeout=10', 'server.root-squash=on'] });
      await other.ensure(volume, false, signal);
      expect(option(volume, 'network.ping-timeout')).toBe('10');
      expect(option(volume, 'server.root-squash')).toBe('on');
    });
  });

  it('refuses a size below what a volume holds, before Gluster sees it', async () => {
    const volume = await made();
    gluster.data.get(volume.id)?.set('a', 900_000);
    await expect(driver.ensure({ ...volume, size: parseSize('1Kb') }, false, signal)).rejects.toThrow(
      'The volume holds 900000 bytes, more than 1Kb.',
    );
    expect(gluster.volumes.get(volume.id)?.limit).toBe(volume.size.bytes);
  });

  describe('an access list', () => {
    it('is set with its revision in one step', async () => {
      const volume = await made();
      await sync(volume, ['10.0.0.1'], 7n);
      expect(gluster.callsOf('volume', 'set').at(-1)).toContain(
        `set ${volume.id} auth.allow 10.0.0.1 user.nova-shared-filesystem.revision 7`,
      );
    });
    it('has blocks of whole octets, and no others', async () => {
      const volume = await made();
      const block = Array.from({ length: 256 }, (_, index) => `10.0.1.${index}`);
      await sync(volume, ['10.0.0.254', '10.0.0.255', ...block, 'fd00::1', 'fd00::2'], 1n);
      expect(option(volume, 'auth.allow')).toBe('10.0.0.254,10.0.0.255,10.0.1.0/24,fd00::1,fd00::2');
      expect(await driver.readAccess(volume, signal)).toHaveLength(260);
    });
    it('is never longer than glusterd bears: those let in stay, then come those that wait', async () => {
      const volume = await made();
      const addresses = scattered(400);
      await sync(volume, addresses.slice(100, 350), 1n);
      const { refused } = await sync(volume, addresses, 2n, [addresses[399] ?? '']);
      expect(option(volume, 'auth.allow')?.length).toBeLessThanOrEqual(4_000);
      const letIn = new Set(await driver.readAccess(volume, signal));
      expect(addresses.slice(100, 350).every((each) => letIn.has(each))).toBe(true);
      expect(letIn.has(addresses[399] ?? '')).toBe(true);
      expect(new Set([...letIn, ...refused.keys()])).toEqual(new Set(addresses));
      expect([...refused.values()][0]).toContain('4000 bytes');
    });
    it('always gets shorter, also by one address of a full block', async () => {
      const volume = await made();
      const block = Array.from({ length: 256 }, (_, index) => `10.0.1.${index}`);
      await sync(volume, [...scattered(250), ...block], 1n);
      const { refused } = await sync(volume, [...scattered(250), ...block.slice(1)], 2n);
      expect(await driver.readAccess(volume, signal)).not.toContain('10.0.1.0');
      expect(option(volume, 'auth.allow')?.length).toBeLessThanOrEqual(4_000);
      expect(refused.size).toBeGreaterThan(0);
    });
    it('is read as Gluster takes it, whoever has written it', async () => {
      const volume = await made();
      const { options } = gluster.volumes.get(volume.id) ?? { options: new Map() };
      const readWith = async (value: string | null) => {
        if (value === null) options.delete('auth.allow');
        else options.set('auth.allow', value);
        return driver.readAccess(volume, signal);
      };
      expect(await readWith('10.0.0.2, 10.0.0.1')).toEqual(['10.0.0.1', '10.0.0.2']);
      expect(await readWith('10.0.3.*')).toHaveLength(256);
      expect(await readWith('*')).toEqual(['*']);
      expect(await readWith('NONE')).toEqual(['NONE']);
      expect(await readWith(null)).toEqual(['*']);
    });
    it('that stands open for everybody is closed where it may only be cut down', async () => {
      const volume = await made();
      gluster.volumes.get(volume.id)?.options.set('auth.allow', '*');
      await driver.syncAccess(volume, { addresses: ['10.0.0.1'], revision: 1n }, false, signal);
      expect(option(volume, 'auth.allow')).toBe('10.0.0.1');
    });
  });

  describe('a withdrawal', () => {
    const connectedBy = async (...connections: readonly string[]) => {
      const volume = await made();
      await sync(volume, ['10.0.0.1', '10.0.0.2'], 1n);
      gluster.connected.set(volume.id, ['192.0.2.1:49150', '10.0.0.2:1022', ...connections]);
      return volume;
    };

    it('is confirmed when no brick is connected with the address any more', async () => {
      const volume = await connectedBy('10.0.0.1:1023');
      gluster.stubborn.add('10.0.0.1:1023');
      const call = sync(volume, ['10.0.0.2'], 2n);
      await eventually(() => (gluster.callsOf('volume', 'status').length > 1 ? null : 'not looked for twice'));
      gluster.connected.set(volume.id, ['192.0.2.1:49150', '10.0.0.2:1022']);
      await call;
      const looks = gluster.callsOf('volume', 'status').length;
      await sync(volume, ['10.0.0.2'], 3n);
      expect(gluster.callsOf('volume', 'status').length).toBe(looks + 1);
    });
    it('fails while it is, and is looked for again by the next run, of another process too', async () => {
      const volume = await connectedBy('10.0.0.1:1023');
      gluster.stubborn.add('10.0.0.1:1023');
      await expect(sync(volume, ['10.0.0.2'], 2n)).rejects.toThrow('still connected with 10.0.0.1');
      const next = driverWith().syncAccess(volume, { addresses: ['10.0.0.2'], revision: 3n }, true, signal);
      await expect(next).rejects.toThrow('still connected with 10.0.0.1');
      expect(option(volume, 'auth.allow')).toBe('10.0.0.2');
    });
    it('of all restarts the volume, where one keeps a connection for ever', async () => {
      const volume = await connectedBy('10.0.0.1:1023');
      gluster.stubborn.add('10.0.0.1:1023');
      await sync(volume, [], 2n);
      expect(gluster.connected.get(volume.id) ?? []).toEqual([]);
      expect(gluster.volumes.get(volume.id)?.isStarted).toBe(true);
    });
  });

  describe('a purge', () => {
    it('removes the data of each brick on its host, then the volume', async () => {
      const volume = await made();
      await driver.retire(volume, signal);
      gluster.calls.length = 0;
      await driver.purge(volume, signal);
      const removals = gluster.calls.filter((call) => call.includes('/usr/bin/rm'));
      expect(removals).toEqual(
        ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map(
          (host) => `/usr/bin/ssh root@${host} /usr/bin/rm -rf --one-file-system -- /bricks/one/${volume.id}`,
        ),
      );
      expect(gluster.calls.at(-1)).toContain(`volume delete ${volume.id}`);
    });
    it('leaves a volume whose brick an operator has put elsewhere', async () => {
      const volume = await made();
      await driver.retire(volume, signal);
      const stored = gluster.volumes.get(volume.id);
      gluster.volumes.set(volume.id, {
        ...stored,
        bricks: ['192.0.2.1:/etc'],
        options: stored?.options ?? new Map(),
        isStarted: false,
        limit: null,
      });
      await expect(driver.purge(volume, signal)).rejects.toThrow(TerminalError);
      expect(gluster.calls.some((call) => call.includes('/etc') && call.includes('rm'))).toBe(false);
    });
  });

  describe('the marker', () => {
    it('is not there when a replica set has no brick', async () => {
      const identity = randomUUID();
      await driver.mark(identity, signal);
      expect(await driver.check(signal)).toBe(identity);
      gluster.isMounted = false;
      expect(await driver.check(signal)).toBeNull();
    });
    it('is not made beside volumes of another deployment', async () => {
      await made();
      await expect(driver.mark(randomUUID(), signal)).rejects.toThrow(TerminalError);
    });
  });

  it('tries again where another transaction runs', async () => {
    const volume = await made();
    gluster.busyTimes = 2;
    await sync(volume, ['10.0.0.1'], 1n);
    expect(option(volume, 'auth.allow')).toBe('10.0.0.1');
  });

  it('tells the room of all bricks, each byte kept three times', async () => {
    await driver.mark(randomUUID(), signal);
    expect(await driver.room(signal)).toEqual({ totalBytes: 1_000_000_000n, freeBytes: 900_000_000n });
  });

  it('hands no id that is no UUID to a program', async () => {
    const volume = { ...aVolume(), id: '--help' };
    await expect(driver.readAccess(volume, signal)).rejects.toThrow('no UUID');
    await expect(driver.ensure(volume, true, signal)).rejects.toThrow('no UUID');
    await expect(driver.restore(aVolume(), signal)).rejects.toThrow(VolumeLost);
    expect(gluster.calls.some((call) => call.includes('--help'))).toBe(false);
  });

  describe('settings', () => {
    it.each([
      [{ bricks: [] }, 'bricks'],
      [{ bricks: ['/bricks/one'] }, 'bricks'],
      [{ bricks: ['host:/bricks/../etc'] }, 'bricks'],
      [{ bricks: ['host:/bricks;reboot'] }, 'bricks'],
      [{ bricks: ['a:/b', 'a:/b'], replica: 2 }, 'bricks'],
      [{ replica: 2 }, 'replica'],
      [{ replica: 0 }, 'replica'],
      [{ replica: '3' }, 'replica'],
      [{ brickCommand: undefined }, 'brickCommand'],
      [{ brickCommand: true }, 'brickCommand'],
      [{ brickCommand: ['ssh', '{host}'] }, 'brickCommand'],
      [{ command: 'gluster' }, 'command'],
      [{ exportAddress: 'a b' }, 'exportAddress'],
      [{ options: ['auth.allow=*'] }, 'options'],
      [{ options: ['network.ping-timeout'] }, 'options'],
      [{ bricksOn: 'root' }, 'bricksOn'],
      [{ brick: 'a:/b' }, 'brick'],
    ])('%j are refused, and the wrong one is named', (settings, name) => {
      expect(() => driverWith(settings)).toThrow(`setting "${name}" is wrong`);
    });
    it('tell the filers’ own addresses', () => {
      expect(driverWith({ exportAddress: 'fd00::1' }).ownAddresses).toEqual([
        'fd00::1',
        '192.0.2.1',
        '192.0.2.2',
        '192.0.2.3',
      ]);
    });
  });
});
