import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { parseSize } from '../../../lib/domain/size';
import { createGlusterDriver } from '../../../lib/drivers/gluster';
import { Settings } from '../../../lib/drivers/settings';
import { type Driver, NewerRevision, TerminalError, type Volume, VolumeLost } from '../../../lib/ports/driver';
import { thisProcess } from '../../../lib/process-identity';
import { eventually } from '../../support/eventually';
import { GlusterStandIn, success } from '../../support/gluster-stand-in';
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
      const options = new Map([['auth.allow', '*']]);
      gluster.volumes.set(volume.id, { bricks: ['192.0.2.9:/other'], options, isStarted: true, limit: null });
      gluster.volumes.set('other', { bricks: [], options, isStarted: true, limit: null });
      await expect(driver.ensure(volume, true, signal)).rejects.toThrow(TerminalError);
      expect(options.get('auth.allow')).toBe('*');
      await driver.purge(volume, signal);
      await driver.retire(volume, signal);
      await expect(driver.purge(volume, signal)).rejects.toThrow(TerminalError);
      expect([...gluster.volumes.keys()]).toEqual([volume.id, 'other']);
      expect(await driver.volumes(signal)).toEqual([{ id: volume.id, retired: true }]);
    });
    it('has the options that are configured, which are set again when they are others', async () => {
      const volume = await made();
      const other = driverWith({ options: ['network.ping-timeout=10', 'server.root-squash=on'] });
      await other.ensure(volume, false, signal);
      expect(option(volume, 'network.ping-timeout')).toBe('10');
      expect(option(volume, 'server.root-squash')).toBe('on');
    });
  });

  describe('a volume whose options were all reset', () => {
    const reset = async () => {
      const volume = await made();
      await sync(volume, ['10.0.0.1', '10.0.0.2'], 1n);
      gluster.connected.set(volume.id, ['10.0.0.1:1023', '10.0.0.9:1023', '192.0.2.1:49150']);
      gluster.volumes.get(volume.id)?.options.clear();
      return volume;
    };

    it('is seen to be open to everybody', async () => {
      const volume = await reset();
      expect(await driver.readAccess(volume, signal)).toEqual(['*']);
      expect(await driver.volumes(signal)).toEqual([{ id: volume.id, retired: false }]);
      expect(await driver.record(volume.id, signal)).toBeNull();
    });
    it.each([true, false])('is cut down, whoever is connected (it may grant: %s)', async (mayGrant) => {
      const volume = await reset();
      const recordOfIt = expect.objectContaining({ name: volume.name });
      gluster.stubborn.add('10.0.0.9:1023');
      await driver.syncAccess(volume, { addresses: ['10.0.0.1'], revision: 2n }, mayGrant, signal);
      expect(await driver.readAccess(volume, signal)).toEqual(['10.0.0.1']);
      expect(gluster.connected.get(volume.id) ?? []).not.toContain('10.0.0.9:1023');
      expect(await driver.record(volume.id, signal)).toEqual(mayGrant ? recordOfIt : null);
    });
    it('is taken out of service, and destroyed then', async () => {
      const volume = await reset();
      await driver.retire(volume, signal);
      expect(await driver.readAccess(volume, signal)).toEqual([]);
      expect(gluster.volumes.get(volume.id)?.isStarted).toBe(false);
      await driver.purge(volume, signal);
      expect(gluster.volumes.has(volume.id) || gluster.data.has(volume.id)).toBe(false);
    });
    it('while it was out of service lets in nobody when it is back', async () => {
      const volume = await made();
      await driver.retire(volume, signal);
      gluster.volumes.get(volume.id)?.options.clear();
      await expect(sync(volume, ['10.0.0.1'], 2n)).rejects.toThrow(VolumeLost);
      gluster.volumes.get(volume.id)?.options.clear();
      await driver.restore(volume, signal);
      expect(option(volume, 'auth.allow')).toBe('0.0.0.0');
      await sync(volume, ['10.0.0.1'], 2n);
      expect(await driver.readAccess(volume, signal)).toEqual(['10.0.0.1']);
    });
    it('of its list alone lets in nobody when it is started', async () => {
      const volume = await made();
      const stored = gluster.volumes.get(volume.id);
      if (stored) stored.isStarted = false;
      stored?.options.delete('auth.allow');
      await driver.ensure(volume, false, signal);
      expect(stored).toMatchObject({ isStarted: true });
      expect(option(volume, 'auth.allow')).toBe('0.0.0.0');
    });
  });

  it('takes no revision that the database cannot go beyond', async () => {
    const volume = await made();
    gluster.volumes.get(volume.id)?.options.set('user.nova-shared-filesystem.revision', '9'.repeat(19));
    await sync(volume, ['10.0.0.1'], 2n);
    expect(option(volume, 'user.nova-shared-filesystem.revision')).toBe('2');
    gluster.volumes.get(volume.id)?.options.set('user.nova-shared-filesystem.revision', '9'.repeat(18));
    await expect(sync(volume, ['10.0.0.1'], 3n)).rejects.toThrow(NewerRevision);
  });

  describe('a size below what a volume holds', () => {
    const resized = async (change: (volume: Volume) => void) => {
      const volume = await made();
      gluster.data.get(volume.id)?.set('a', 900_000);
      change(volume);
      await driver.ensure({ ...volume, size: parseSize('1Kb') }, false, signal);
    };
    const limits = () => gluster.calls.filter((call) => call.includes('limit-usage / 1024')).length;

    it('is refused before Gluster sees it', async () => {
      await expect(resized(() => undefined)).rejects.toThrow('The volume holds 900000 bytes, more than 1Kb.');
      expect(limits()).toBe(0);
    });
    it('is refused where no limit stands any more', async () => {
      const call = resized(({ id }) => {
        const stored = gluster.volumes.get(id);
        if (stored) stored.limit = null;
      });
      await expect(call).rejects.toThrow('The volume holds 900000 bytes');
      expect(limits()).toBe(0);
    });
    it('is not set where what it holds cannot be told, and its use is left out', async () => {
      const volume = await made();
      const call = resized(() => {
        gluster.hasQuotad = false;
      });
      await expect(call).rejects.toThrow('quotad is not running');
      expect(limits()).toBe(0);
      expect((await driver.usage([volume], signal)).size).toBe(0);
    });
    it.each([success('<volQuota/>'), success('<volQuota><limit><hard_limit>N/A</hard_limit></limit></volQuota>')])(
      'is not set where the answer is %s',
      async (answer) => {
        const volume = await made();
        const unsure = driverWith();
        const ask = gluster.callsOf('volume', 'quota').length;
        gluster.override = (call) => (call.includes(`quota ${volume.id} list`) ? answer : null);
        await expect(unsure.ensure({ ...volume, size: parseSize('1Kb') }, false, signal)).rejects.toThrow(
          'has not said',
        );
        expect(gluster.callsOf('volume', 'quota').length).toBe(ask + 1);
        expect(limits()).toBe(0);
      },
    );
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
      expect(gluster.callsOf('volume', 'status').length).toBe(looks);
      expect(gluster.callsOf('volume', 'stop')).toEqual([]);
    });
    it('that is confirmed is not looked for again when somebody else has the address', async () => {
      const volume = await connectedBy('10.0.0.1:1023');
      await sync(volume, ['10.0.0.2'], 2n);
      gluster.connected.get(volume.id)?.push('10.0.0.1:1000');
      gluster.stubborn.add('10.0.0.1:1000');
      const looks = gluster.callsOf('volume', 'status').length;
      await sync(volume, ['10.0.0.2'], 3n);
      expect(gluster.callsOf('volume', 'status').length).toBe(looks);
    });
    /** Another process, which dies when it looks who is connected. */
    const broken = async (volume: Volume, addresses: readonly string[], revision: bigint, at = 'clients') => {
      gluster.override = (call) => {
        if (call.includes(at)) throw new Error('killed');
        return null;
      };
      await expect(driverWith().syncAccess(volume, { addresses, revision }, true, signal)).rejects.toThrow('killed');
      gluster.override = () => null;
    };

    it('that was broken off is looked for by the next run, of another process', async () => {
      const volume = await connectedBy('10.0.0.1:1023');
      gluster.stubborn.add('10.0.0.1:1023');
      await broken(volume, ['10.0.0.2'], 2n);
      expect(gluster.connected.get(volume.id)).toContain('10.0.0.1:1023');
      await sync(volume, ['10.0.0.2'], 3n);
      expect(gluster.connected.get(volume.id) ?? []).not.toContain('10.0.0.1:1023');
    });
    it('of more than can be written down is looked for by the next run too, all of them', async () => {
      const volume = await made();
      const many = scattered(280);
      const last = `${many.at(-1)}:1023`;
      await sync(volume, many, 1n);
      gluster.connected.set(volume.id, ['192.0.2.1:49150', last]);
      gluster.stubborn.add(last);
      await broken(volume, many.slice(0, 1), 2n);
      await broken(volume, scattered(570).slice(290), 3n);
      await broken(volume, many.slice(0, 1), 4n);
      expect(option(volume, 'user.nova-shared-filesystem.left')).toBe('many');
      expect(gluster.connected.get(volume.id)).toContain(last);
      await sync(volume, many.slice(0, 1), 5n);
      expect(gluster.connected.get(volume.id) ?? []).not.toContain(last);
      const looks = gluster.callsOf('volume', 'status').length;
      await sync(volume, many.slice(0, 1), 6n);
      expect(gluster.callsOf('volume', 'status').length).toBe(looks);
    });
    it.each([[[]], [['10.0.0.2']]])('that leaves %j ends a login that bricks do not end by a restart', async (stay) => {
      const volume = await connectedBy('10.0.0.1:1023');
      gluster.stubborn.add('10.0.0.1:1023');
      await sync(volume, stay, 2n);
      expect(gluster.connected.get(volume.id) ?? []).not.toContain('10.0.0.1:1023');
      expect(gluster.volumes.get(volume.id)?.isStarted).toBe(true);
      expect(await driver.readAccess(volume, signal)).toEqual(stay);
    });
    it('whose restart is broken off leaves no volume that is stopped', async () => {
      const volume = await connectedBy('10.0.0.1:1023');
      gluster.stubborn.add('10.0.0.1:1023');
      await broken(volume, ['10.0.0.2'], 2n, 'volume start');
      expect(gluster.volumes.get(volume.id)?.isStarted).toBe(false);
      await sync(volume, ['10.0.0.2'], 3n);
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
