import { chmod, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import * as path from 'node:path';
import { BusAway, BusError } from '../../../lib/drivers/nfs/dbus';
import { NewerRevision, TerminalError, type Volume } from '../../../lib/ports/driver';
import { type GaneshaBackend, ganeshaDriver, ganeshaOfStandIn } from '../../support/ganesha-backend';
import { aVolume } from '../contract';

/** Why the next files cannot be written; null: they can. */
const mockDisk: { trouble: Error | null } = { trouble: null };

jest.mock('../../../lib/drivers/durable-file', () => {
  const actual = jest.requireActual('../../../lib/drivers/durable-file');
  return {
    ...actual,
    replaceFile: async (...args: unknown[]) => {
      if (mockDisk.trouble && !String(args[0]).endsWith('.reserve')) throw mockDisk.trouble;
      return actual.replaceFile(...args);
    },
  };
});

const signal = new AbortController().signal;
const AWAY = new BusAway('there is no D-Bus at unix:path=/nowhere');

describe('nfs with server ganesha', () => {
  let backend: GaneshaBackend;
  let number = 0;
  beforeEach(async () => {
    mockDisk.trouble = null;
    backend = await ganeshaOfStandIn();
    await backend.make().mark('0f8a1c52-6d1e-4f0a-9b6c-3d2e1f0a9b8c', signal);
  });
  afterEach(() => rm(backend.folder, { recursive: true, force: true }));

  const made = async (said: Partial<Volume> = {}): Promise<Volume> => {
    number += 1;
    const volume = aVolume({ number, ...said });
    await backend.make().ensure(volume, true, signal);
    return volume;
  };
  const sync = (volume: Volume, addresses: readonly string[], revision = 1n, mayGrant = true) =>
    backend.make().syncAccess(volume, { addresses, revision }, mayGrant, signal);
  const read = (volume: Volume) => backend.make().readAccess(volume, signal);
  const served = ({ number: of }: Volume) => backend.bus.exports.get(of ?? 0)?.clients ?? null;
  const fileOf = ({ id }: Volume) => path.join(backend.exports, `${id}.conf`);
  const index = () => readFile(backend.index, 'utf8');

  it('exports a volume by its id, under a number of its own', async () => {
    const volume = await made({ name: 'mydata' });
    expect(await backend.make().ensure(volume, false, signal)).toBe(`192.0.2.1:/volumes/${volume.id}`);
    await sync(volume, ['10.20.0.1']);
    expect(backend.bus.exports.get(number)).toMatchObject({
      path: path.join(backend.root, volume.id),
      pseudo: `/volumes/${volume.id}`,
    });
    expect(await index()).toContain(`%include "${fileOf(volume)}" # ${number}\n`);
  });

  it('covers runs of addresses by blocks that have none besides', async () => {
    const volume = await made();
    const run = Array.from({ length: 300 }, (_, each) => `10.20.${(each + 3) >> 8}.${(each + 3) & 255}`);
    await sync(volume, run);
    expect(served(volume)?.length).toBeLessThan(20);
    expect(await read(volume)).toEqual(run);
  });

  it('tells a server that has forgotten it, though its file is right already', async () => {
    const volume = await made();
    await sync(volume, ['10.20.0.1']);
    backend.bus.exports.clear();
    expect(await read(volume)).toEqual([]);
    await sync(volume, ['10.20.0.1']);
    expect(served(volume)).toEqual(['10.20.0.1']);
  });

  it('tells a server that has another list, though its file is right already', async () => {
    const volume = await made();
    await sync(volume, ['10.20.0.1']);
    const found = backend.bus.exports.get(number);
    if (found) backend.bus.exports.set(number, { ...found, clients: ['10.20.0.1', '10.20.0.9'] });
    expect((await read(volume)).slice(0, 2)).toEqual(['10.20.0.1', '10.20.0.9']);
    await sync(volume, ['10.20.0.1'], 1n, false);
    expect(await read(volume)).toEqual(['10.20.0.1']);
  });

  it('refuses what is no address, and lets in the rest', async () => {
    const volume = await made();
    const { refused } = await sync(volume, ['10.20.0.1', 'gateway', '*', '10.20.0.0/24']);
    expect([...refused.keys()]).toEqual(['gateway', '*', '10.20.0.0/24']);
    expect(served(volume)).toEqual(['10.20.0.1']);
  });

  describe('the index', () => {
    it('leaves out a file that is not as it was written, and keeps all others', async () => {
      const [broken, stays] = [await made(), await made()];
      await sync(broken, ['10.20.0.1']);
      await sync(stays, ['10.20.0.2']);
      await writeFile(fileOf(broken), 'EXPORT {');
      const added = await made();
      await sync(added, ['10.20.0.3']);
      expect(await index()).not.toContain(broken.id);
      backend.bus.restart();
      expect([served(broken), served(stays), served(added)]).toEqual([null, ['10.20.0.2'], ['10.20.0.3']]);
      await sync(broken, ['10.20.0.1'], 2n);
      backend.bus.restart();
      expect(served(broken)).toEqual(['10.20.0.1']);
    });
    it('names no file that is not there', async () => {
      const [gone, stays] = [await made(), await made()];
      await sync(gone, ['10.20.0.1']);
      await unlink(fileOf(gone));
      await sync(stays, ['10.20.0.2']);
      backend.bus.restart();
      expect(served(stays)).toEqual(['10.20.0.2']);
    });
    it('is made of the files again when it was lost', async () => {
      const [one, other] = [await made(), await made()];
      await sync(one, ['10.20.0.1']);
      await unlink(backend.index);
      await sync(other, ['10.20.0.2']);
      backend.bus.restart();
      expect([served(one), served(other)]).toEqual([['10.20.0.1'], ['10.20.0.2']]);
    });
    it('carries on nothing that somebody has written into it', async () => {
      const [one, other] = [await made(), await made()];
      await sync(one, ['10.20.0.1']);
      await writeFile(backend.index, `${await index()}%include "/etc/passwd"\nEXPORT { Export_Id = 9; }\n`);
      await sync(other, ['10.20.0.2']);
      expect(await index()).not.toMatch(/passwd|EXPORT/);
      expect(await index()).toContain(one.id);
    });
    it('has all of many that are made at once', async () => {
      const volumes = await Promise.all(Array.from({ length: 30 }, () => made()));
      const [one, other] = [backend.make(), backend.make()];
      await Promise.all(
        volumes.map((each, place) =>
          (place % 2 ? one : other).syncAccess(each, { addresses: [`10.20.1.${place}`], revision: 1n }, true, signal),
        ),
      );
      backend.bus.restart();
      expect(volumes.map(served)).toEqual(volumes.map((_, place) => [`10.20.1.${place}`]));
    });
  });

  describe('a file that was changed by hand', () => {
    it('is told by name, behind those whom the server lets in, and is written over', async () => {
      const volume = await made();
      await sync(volume, ['10.20.0.1']);
      await writeFile(fileOf(volume), (await readFile(fileOf(volume), 'utf8')).replace('10.20.0.1', '*'));
      expect(await read(volume)).toEqual(['10.20.0.1', fileOf(volume)]);
      await sync(volume, ['10.20.0.1']);
      expect(await read(volume)).toEqual(['10.20.0.1']);
    });
    it('lets in nobody more where nothing may be granted', async () => {
      const volume = await made();
      await sync(volume, ['10.20.0.1', '10.20.0.2']);
      await writeFile(fileOf(volume), (await readFile(fileOf(volume), 'utf8')).replace('10.20.0.1,', '10.20.0.9,'));
      await sync(volume, ['10.20.0.1', '10.20.0.2', '10.20.0.9'], 2n, false);
      expect(served(volume)).toEqual(['10.20.0.2']);
    });
  });

  describe('numbers', () => {
    it('are those of the files, of files that are not named, and of whatever the server has', async () => {
      const volume = await made();
      await sync(volume, ['10.20.0.1']);
      backend.bus.exports.set(0, { number: 0, path: '/', pseudo: '/', clients: [] });
      backend.bus.exports.set(77, { number: 77, path: '/home', pseudo: '/home', clients: [] });
      const unnamed = aVolume();
      const text = await readFile(fileOf(volume), 'utf8');
      const another = text.replaceAll(volume.id, unnamed.id).replaceAll(String(number), '99');
      await writeFile(fileOf(unnamed), another);
      expect(await backend.make().numbers(signal)).toEqual(new Set([number, 77, 99]));
    });
    it('that another volume has are refused, and change nothing', async () => {
      const [holder, late] = [await made(), await made()];
      await sync(holder, ['10.20.0.1']);
      const wrong = { ...late, number: holder.number };
      await expect(sync(wrong, ['10.20.0.2'])).rejects.toThrow(TerminalError);
      await expect(sync(wrong, ['10.20.0.2'])).rejects.toThrow(holder.id);
      await backend.make().retire(wrong, signal);
      expect(served(holder)).toEqual(['10.20.0.1']);
      expect(await read(wrong)).toEqual([]);
    });
    it('that an export of the operator has are refused, and change nothing', async () => {
      const volume = await made();
      const operators = { number, path: '/home', pseudo: '/home', clients: ['10.0.0.1'] };
      backend.bus.exports.set(number, operators);
      await expect(sync(volume, ['10.20.0.2'])).rejects.toThrow('/home');
      await backend.make().retire(volume, signal);
      expect(backend.bus.exports.get(number)).toBe(operators);
    });
    it('that an export of the operator has stand in no index: the server would not start', async () => {
      const volume = await made();
      const operators = { number, path: '/home', pseudo: '/home', clients: ['10.0.0.1'] };
      backend.bus.exports.set(number, operators);
      await expect(sync(volume, ['10.20.0.2'])).rejects.toThrow('/home');
      expect(await index()).not.toContain(volume.id);
      backend.bus.exports.delete(number);
      await sync(volume, ['10.20.0.2']);
      expect(await index()).toContain(`${volume.id}.conf" # ${number}\n`);
    });
    describe('that a restored database tells wrong, of an export whose file is lost,', () => {
      let volume: Volume;
      let told: Volume;
      beforeEach(async () => {
        volume = await made();
        await sync(volume, ['10.20.0.1', '10.20.0.2']);
        await unlink(fileOf(volume));
        told = { ...volume, number: 4321 };
      });
      it('leave no export when it is deleted', async () => {
        await backend.make().retire(told, signal);
        expect(backend.bus.exports.size).toBe(0);
      });
      it('hide nobody who is let in', async () => {
        expect(await read(told)).toEqual(['10.20.0.1', '10.20.0.2', fileOf(volume)]);
      });
      it('keep nobody let in where nothing may be granted', async () => {
        await sync(told, ['10.20.0.2', '10.20.0.3'], 2n, false);
        expect(served(volume)).toEqual(['10.20.0.2']);
        backend.bus.restart();
        expect(served(volume)).toEqual(['10.20.0.2']);
      });
      it('keep nobody let in on a full disk', async () => {
        mockDisk.trouble = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
        await expect(sync(told, ['10.20.0.2'], 2n)).rejects.toThrow('no space');
        expect(served(volume)).toBeNull();
      });
      it('hold up no new list', async () => {
        await sync(told, ['10.20.0.2'], 2n);
        expect([served(volume), served(told)]).toEqual([null, ['10.20.0.2']]);
      });
    });
    it('that have changed leave no export under the former', async () => {
      const volume = await made();
      await sync(volume, ['10.20.0.1']);
      const renumbered = { ...volume, number: 1234 };
      await sync(renumbered, ['10.20.0.2'], 2n);
      expect(served(volume)).toBeNull();
      expect(await read(renumbered)).toEqual(['10.20.0.2']);
    });
    it.each<[string, Partial<Volume>]>([
      ['is not known any more', { number: null }],
      ['is another in its record', { number: 4321 }],
    ])(
      'that nobody knows are those of the file: who is let in is told, and cut, of one whose number %s',
      async (_, said) => {
        const volume = await made();
        await sync(volume, ['10.20.0.1', '10.20.0.2']);
        const orphan = { ...volume, ...said };
        expect((await read(orphan)).slice(0, 2)).toEqual(['10.20.0.1', '10.20.0.2']);
        await sync(orphan, ['10.20.0.2'], 1n, false);
        expect(served(volume)).toEqual(['10.20.0.2']);
        await sync(orphan, [], 1n, false);
        expect(await read({ ...volume, number: null })).toEqual([]);
        backend.bus.restart();
        expect(served(volume)).toEqual([]);
      },
    );
    it('are looked for by the path where there is no file either, or none that has one', async () => {
      for (const text of [null, 'EXPORT {']) {
        const volume = await made();
        await sync(volume, ['10.20.0.1', '10.20.0.2']);
        await unlink(fileOf(volume));
        if (text !== null) await writeFile(fileOf(volume), text);
        const orphan = { ...volume, number: null };
        expect(await read(orphan)).toEqual(['10.20.0.1', '10.20.0.2', fileOf(volume)]);
        await sync(orphan, ['10.20.0.2'], 1n, false);
        expect(await read(orphan)).toEqual(['10.20.0.2']);
        backend.bus.restart();
        expect(served(volume)).toEqual(['10.20.0.2']);
      }
    });
    it('are needed', async () => {
      await expect(sync(await made({ number: null }), ['10.20.0.2'])).rejects.toThrow('no number yet');
    });
  });

  it('moves an export whose root is another now', async () => {
    const volume = await made();
    await sync(volume, ['10.20.0.1']);
    const root = path.join(backend.folder, 'moved');
    await rename(backend.root, root);
    const driver = ganeshaDriver({ ...backend, root }, backend.bus);
    await driver.syncAccess(volume, { addresses: ['10.20.0.1'], revision: 2n }, true, signal);
    expect(backend.bus.exports.get(number)?.path).toBe(path.join(root, volume.id));
  });

  describe('a server that cannot be called', () => {
    it('does not start with somebody who had to go meanwhile', async () => {
      const volume = await made();
      await sync(volume, ['10.20.0.1', '10.20.0.2']);
      backend.bus.away = AWAY;
      await expect(sync(volume, ['10.20.0.2', '10.20.0.3'], 2n)).rejects.toThrow(AWAY);
      await expect(sync(volume, ['10.20.0.3'], 3n, false)).rejects.toThrow(AWAY);
      backend.bus.restart();
      expect(served(volume)).toEqual(['10.20.0.3']);
      await expect(sync(volume, [], 4n, false)).rejects.toThrow(AWAY);
      backend.bus.restart();
      expect(served(volume)).toEqual([]);
    });
    it('does not start with an export that was removed meanwhile', async () => {
      const volume = await made();
      await sync(volume, ['10.20.0.1']);
      backend.bus.away = AWAY;
      await expect(backend.make().retire(volume, signal)).rejects.toThrow(AWAY);
      backend.bus.restart();
      expect(served(volume)).toBeNull();
      backend.bus.away = null;
      await backend.make().retire(volume, signal);
      await expect(readFile(fileOf(volume))).rejects.toThrow('ENOENT');
    });
    it('lets in nobody anew where nothing may be granted', async () => {
      const volume = await made();
      await sync(volume, ['10.20.0.1']);
      backend.bus.exports.clear();
      await sync(volume, ['10.20.0.1'], 2n, false);
      expect(served(volume)).toBeNull();
    });
  });

  describe('a full disk', () => {
    const full = () => Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });

    it('ends the access of a filesystem from which somebody has to go, also after a start, until there is room', async () => {
      const [volume, other] = [await made(), await made()];
      await sync(volume, ['10.20.0.1', '10.20.0.2']);
      await sync(other, ['10.20.0.3']);
      mockDisk.trouble = full();
      await expect(sync(volume, ['10.20.0.2'], 2n)).rejects.toThrow('no space');
      expect(served(volume)).toBeNull();
      backend.bus.restart();
      expect([served(volume), served(other)]).toEqual([null, ['10.20.0.3']]);
      mockDisk.trouble = null;
      await sync(volume, ['10.20.0.2'], 2n);
      expect(await read(volume)).toEqual(['10.20.0.2']);
    });
    it('keeps a list from which nobody has to go', async () => {
      const volume = await made();
      await sync(volume, ['10.20.0.1']);
      mockDisk.trouble = full();
      await expect(sync(volume, ['10.20.0.1', '10.20.0.2'], 2n)).rejects.toThrow('no space');
      expect(await read(volume)).toEqual(['10.20.0.1']);
    });
    it('keeps no deleted filesystem exported, also after a start', async () => {
      const volume = await made();
      await sync(volume, ['10.20.0.1']);
      mockDisk.trouble = full();
      await expect(backend.make().retire(volume, signal)).rejects.toThrow('no space');
      backend.bus.restart();
      expect(served(volume)).toBeNull();
    });
    it('is no reason to write an older list', async () => {
      const volume = await made();
      await sync(volume, ['10.20.0.1'], 7n);
      mockDisk.trouble = full();
      await expect(sync(volume, [], 6n)).rejects.toThrow(NewerRevision);
      expect(await read(volume)).toEqual(['10.20.0.1']);
    });
  });

  describe('check', () => {
    const check = () => backend.make().check(signal);
    const denied = new BusError('org.freedesktop.DBus.Error.AccessDenied', 'Rejected send message');
    const unknown = new BusError('org.freedesktop.DBus.Error.ServiceUnknown', 'The name is not provided');

    it('finds nothing wrong, and asks for no list of all exports', async () => {
      const asked: string[] = [];
      backend.bus.called = (member) => asked.push(member);
      expect(await check()).toBe('0f8a1c52-6d1e-4f0a-9b6c-3d2e1f0a9b8c');
      expect(asked).toEqual(['DisplayExport']);
    });
    it.each([
      ['no bus', AWAY, 'NFS-Ganesha cannot be called: there is no D-Bus at unix:path=/nowhere'],
      ['no server on it', unknown, 'NFS-Ganesha is not on the D-Bus: start it'],
      ['a bus that forbids it', denied, 'add the policy of docs/drivers.md'],
      ['an answer that is none', new Error('what?'), 'does not answer its export manager'],
    ])('tells of %s what to do', async (_, away, message) => {
      backend.bus.away = away;
      await expect(check()).rejects.toThrow(TerminalError);
      await expect(check()).rejects.toThrow(message);
    });
    it.each([
      ['does not include the index', 'EXPORT_DEFAULTS { Access_Type = NONE; }\n'],
      ['has the line as a comment', '# %include "INDEX"\n'],
    ])('tells which line is missing from a configuration that %s', async (_, text) => {
      await writeFile(backend.configuration, text.replace('INDEX', backend.index));
      await expect(check()).rejects.toThrow(`add the line %include "${backend.index}" to ${backend.configuration}`);
    });
    it('tells which setting is wrong when there is no configuration', async () => {
      await unlink(backend.configuration);
      await expect(check()).rejects.toThrow('correct the setting "configuration"');
    });
    it('tells of a directory that is none', async () => {
      await rm(backend.exports, { recursive: true });
      await writeFile(backend.exports, '');
      await chmod(backend.exports, 0o000);
      await expect(check()).rejects.toThrow(TerminalError);
    });
  });
});
