import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { parseSize } from '../../lib/domain/size';
import { type Driver, NewerRevision, TerminalError, type Volume, VolumeLost } from '../../lib/ports/driver';

/** A backend made for one spec, and what an operator or an accident does to it. */
export interface Backend {
  readonly driver: Driver;
  /** What another process makes over the same storage. */
  another(): Driver;
  /** Takes the storage away, as an unmount does; its exports stay. @returns how to bring it back */
  unmount(): Promise<() => Promise<void>>;
  /** Removes a volume by hand. */
  removeVolume(id: string): Promise<void>;
  /** Writes into a volume. @returns nothing */
  write(id: string, bytes: number): Promise<void>;
  /** What a volume holds: names of files in it; null where there is no volume in service. */
  files(id: string): Promise<readonly string[] | null>;
  /** Whether data of it is anywhere, in service or set aside. */
  hasData(id: string): Promise<boolean>;
  /** Volumes are those of another service, which names export locations by itself. */
  readonly ofAnotherService?: boolean;
  /** The list is the volume's own: who removes the one by hand removes the other. */
  readonly listGoesWithVolume?: boolean;
  /** It cannot make volumes larger where the specs run: said by a TerminalError, and nothing changes. */
  readonly refusesToGrow?: boolean;
  tearDown(): Promise<void>;
}

const IDENTITY = '0f8a1c52-6d1e-4f0a-9b6c-3d2e1f0a9b8c';
const { signal } = new AbortController();
// many calls at once share it
setMaxListeners(0, signal);

export function aVolume(said: Partial<Volume> = {}): Volume {
  const size = parseSize('1Gb');
  return {
    id: randomUUID(),
    name: 'mydata',
    size,
    owner: 'demo',
    scope: 'project',
    project: 'demo',
    desiredRevision: 1n,
    // contract backends are small: a driver that needs numbers meets different ones
    number: 1 + Math.floor(Math.random() * 65_535),
    ...said,
  };
}

/** What every driver promises (lib/ports/driver.ts), run unchanged by all of them. */
export function describeDriver(name: string, setUp: () => Promise<Backend>): void {
  describe(`driver ${name}`, () => {
    let backend: Backend;
    let driver: Driver;
    beforeEach(async () => {
      backend = await setUp();
      driver = backend.driver;
      await driver.mark(IDENTITY, signal);
    });
    afterEach(() => backend.tearDown());

    const sync = (volume: Volume, addresses: readonly string[], revision = 1n, mayGrant = true, by = driver) =>
      by.syncAccess(volume, { addresses, revision }, mayGrant, signal);
    const read = (volume: Volume) => driver.readAccess(volume, signal);
    const made = async (said: Partial<Volume> = {}): Promise<Volume> => {
      const volume = aVolume(said);
      await driver.ensure(volume, true, signal);
      return volume;
    };

    describe('the marker', () => {
      it('is read by every process', async () => {
        expect(await driver.check(signal)).toBe(IDENTITY);
        expect(await backend.another().check(signal)).toBe(IDENTITY);
      });
      it('may be written again, but never replaces another', async () => {
        await driver.mark(IDENTITY, signal);
        await expect(driver.mark(randomUUID(), signal)).rejects.toThrow(TerminalError);
        expect(await driver.check(signal)).toBe(IDENTITY);
      });
      it('is not there when the storage is not', async () => {
        const mount = await backend.unmount();
        expect(await driver.check(signal)).toBeNull();
        await mount();
        expect(await driver.check(signal)).toBe(IDENTITY);
      });
    });

    describe('ensure', () => {
      it('makes an empty volume that nobody can mount, with an export location', async () => {
        const volume = aVolume();
        const location = await driver.ensure(volume, true, signal);
        expect(location).toMatch(backend.ofAnotherService ? /^\S+:\/\S+$/ : volume.id);
        expect(await backend.files(volume.id)).toEqual([]);
        expect(await read(volume)).toEqual([]);
      });
      it('can be called again, and keeps what is in it', async () => {
        const volume = await made();
        await backend.write(volume.id, 1_000);
        const location = await driver.ensure(volume, true, signal);
        expect(await backend.another().ensure(volume, false, signal)).toBe(location);
        expect(await backend.files(volume.id)).toHaveLength(1);
      });
      it('never makes an empty volume in the place of one that is lost', async () => {
        const volume = await made();
        await backend.removeVolume(volume.id);
        await expect(driver.ensure(volume, false, signal)).rejects.toThrow(VolumeLost);
        expect(await backend.files(volume.id)).toBeNull();
      });
      it('keeps access and data at a change of the size', async () => {
        const volume = await made();
        await backend.write(volume.id, 1_000);
        await sync(volume, ['10.0.0.1']);
        const grown = driver.ensure({ ...volume, size: parseSize('2Gb') }, false, signal);
        if (backend.refusesToGrow) await expect(grown).rejects.toThrow(TerminalError);
        else await grown;
        expect(await read(volume)).toEqual(['10.0.0.1']);
        expect(await backend.files(volume.id)).toHaveLength(1);
      });
      it('refuses a size below what it holds, where it enforces sizes, and keeps all', async () => {
        const volume = await made();
        await backend.write(volume.id, 5_000_000);
        const smaller = driver.ensure({ ...volume, size: parseSize('1Mb') }, false, signal);
        // another service rounds up, and what it holds cannot be written here
        if (driver.capabilities.quota && !backend.ofAnotherService)
          await expect(smaller).rejects.toThrow(TerminalError);
        else await smaller;
        await driver.ensure(volume, false, signal);
        expect(await backend.files(volume.id)).toHaveLength(1);
      });
    });

    describe('syncAccess', () => {
      it('lets in exactly the list, IPv4 and IPv6', async () => {
        const volume = await made();
        const addresses = ['10.0.0.1', '10.0.0.2', 'fd00::1'];
        expect((await sync(volume, addresses)).refused.size).toBe(0);
        expect(await read(volume)).toEqual(addresses);
        await sync(volume, ['10.0.0.2', 'fd00::2'], 2n);
        expect(await read(volume)).toEqual(['10.0.0.2', 'fd00::2']);
      });
      it('lets in nobody by an empty list', async () => {
        const volume = await made();
        await sync(volume, ['10.0.0.1']);
        await sync(volume, [], 2n);
        expect(await read(volume)).toEqual([]);
      });
      it('can be called again with the same list', async () => {
        const volume = await made();
        await sync(volume, ['10.0.0.1']);
        await sync(volume, ['10.0.0.1'], 1n, true, backend.another());
        expect(await read(volume)).toEqual(['10.0.0.1']);
      });
      it('keeps the lists of other volumes', async () => {
        const [one, other] = [await made(), await made()];
        await sync(one, ['10.0.0.1']);
        await sync(other, ['10.0.0.2']);
        await sync(one, [], 2n);
        expect(await read(other)).toEqual(['10.0.0.2']);
      });
      it('never replaces a list of a higher revision, and tells that one', async () => {
        const volume = await made();
        await sync(volume, ['10.0.0.1'], 7n);
        const late = sync(volume, ['10.0.0.2'], 6n, true, backend.another());
        await expect(late).rejects.toThrow(NewerRevision);
        await expect(late).rejects.toMatchObject({ revision: 7n });
        await expect(sync(volume, [], 6n, false)).rejects.toThrow(NewerRevision);
        expect(await read(volume)).toEqual(['10.0.0.1']);
      });
      it('remembers the revision of an empty list', async () => {
        const volume = await made();
        await sync(volume, [], 7n);
        await expect(sync(volume, ['10.0.0.1'], 6n)).rejects.toThrow(NewerRevision);
      });
      it('only takes away where it may not grant', async () => {
        const volume = await made();
        await sync(volume, ['10.0.0.1', '10.0.0.2']);
        await sync(volume, ['10.0.0.2', '10.0.0.3'], 2n, false);
        expect(await read(volume)).toEqual(['10.0.0.2']);
        await sync(volume, ['10.0.0.2', '10.0.0.3'], 2n);
        expect(await read(volume)).toEqual(['10.0.0.2', '10.0.0.3']);
      });
      it('lets in nobody where it may not grant and nobody was', async () => {
        const volume = aVolume();
        await sync(volume, ['10.0.0.1'], 1n, false);
        expect(await read(volume)).toEqual([]);
      });
      it('takes away without the storage, and brings nothing into being there', async () => {
        const volume = await made();
        await sync(volume, ['10.0.0.1', '10.0.0.2']);
        const mount = await backend.unmount();
        await sync(volume, ['10.0.0.2'], 2n, false);
        expect(await read(volume)).toEqual(['10.0.0.2']);
        await mount();
        expect(await backend.files(volume.id)).toEqual([]);
      });
      it('grants nothing of a volume that is not there', async () => {
        const volume = await made();
        await sync(volume, ['10.0.0.1']);
        await backend.removeVolume(volume.id);
        await expect(sync(volume, ['10.0.0.1', '10.0.0.2'], 2n)).rejects.toThrow(VolumeLost);
        expect(await read(volume)).toEqual(backend.listGoesWithVolume ? [] : ['10.0.0.1']);
      });
      it('holds 10,000 addresses, or tells which do not fit', async () => {
        const volume = await made();
        const addresses = Array.from(
          { length: 10_000 },
          (_, index) => `10.1.${Math.floor(index / 250)}.${(index % 250) + 1}`,
        );
        const { refused } = await sync(volume, addresses);
        expect(refused.size > 0).toBe(driver.capabilities.boundedLists);
        expect(await read(volume)).toEqual(addresses.filter((each) => !refused.has(each)));
      });
      it('of calls at once leaves the list of the highest revision', async () => {
        const volume = await made();
        const calls = Array.from({ length: 12 }, (_, index) =>
          sync(volume, [`10.0.0.${index + 1}`], BigInt(index + 1), true, index % 2 ? driver : backend.another()),
        );
        const results = await Promise.allSettled(calls);
        for (const result of results)
          if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(NewerRevision);
        expect(await read(volume)).toEqual(['10.0.0.12']);
      });
    });

    describe('usage', () => {
      it('tells the volumes that are there, and leaves out the others', async () => {
        const [empty, full] = [await made(), await made()];
        await backend.write(full.id, 1_000_000);
        const used = await driver.usage([empty, full, { id: randomUUID() }], signal);
        if (driver.capabilities.usage === 'none') return expect(used.size).toBe(0);
        expect([...used.keys()]).toEqual([empty.id, full.id]);
        expect(used.get(full.id)).toBeGreaterThanOrEqual(1_000_000n);
        expect(used.get(empty.id)).toBeLessThan(100_000n);
      });
    });

    describe('retire and purge', () => {
      it('end access, set the data aside, and destroy it at the end', async () => {
        const volume = await made();
        await backend.write(volume.id, 1_000);
        await sync(volume, ['10.0.0.1']);
        await driver.retire(volume, signal);
        expect(await read(volume)).toEqual([]);
        expect(await backend.files(volume.id)).toBeNull();
        expect(await backend.hasData(volume.id)).toBe(true);
        await driver.purge(volume, signal);
        expect(await backend.hasData(volume.id)).toBe(false);
      });
      it('can be called again, also for what never was', async () => {
        const volume = await made();
        const never = aVolume();
        for (const each of [volume, volume, never]) await driver.retire(each, signal);
        for (const each of [volume, volume, never]) await backend.another().purge(each, signal);
        expect(await backend.hasData(volume.id)).toBe(false);
      });
      it('let nobody into what is set aside, until it is restored', async () => {
        const volume = await made();
        await driver.retire(volume, signal);
        await expect(sync(volume, ['10.0.0.1'], 2n)).rejects.toThrow(VolumeLost);
        expect(await read(volume)).toEqual([]);
      });
      it('touch no other volume, and nothing that is in service', async () => {
        const [gone, stays] = [await made(), await made()];
        await backend.write(stays.id, 1_000);
        await sync(stays, ['10.0.0.1']);
        await driver.retire(gone, signal);
        await driver.purge(gone, signal);
        await driver.purge(stays, signal);
        expect(await backend.files(stays.id)).toHaveLength(1);
        expect(await read(stays)).toEqual(['10.0.0.1']);
      });
    });

    describe('restore', () => {
      it('puts a retired volume back as it was, with nobody let in', async () => {
        const volume = await made();
        await backend.write(volume.id, 1_000);
        await sync(volume, ['10.0.0.1']);
        await driver.retire(volume, signal);
        await backend.another().restore(volume, signal);
        expect(await backend.files(volume.id)).toHaveLength(1);
        expect(await read(volume)).toEqual([]);
        await sync(volume, ['10.0.0.2'], 2n);
        expect(await read(volume)).toEqual(['10.0.0.2']);
      });
      it('can be called again, and of what is not there tells that it is lost', async () => {
        const volume = await made();
        await driver.retire(volume, signal);
        for (const _ of [1, 2]) await driver.restore(volume, signal);
        expect(await backend.files(volume.id)).toEqual([]);
        await expect(driver.restore(aVolume(), signal)).rejects.toThrow(VolumeLost);
      });
    });

    describe('volumes and record', () => {
      it('tell what stands on the backend, in service and retired, and whose it is', async () => {
        const [stays, gone, purged] = [await made({ name: 'stays', desiredRevision: 7n }), await made(), await made()];
        await driver.retire(gone, signal);
        await driver.retire(purged, signal);
        await driver.purge(purged, signal);
        const found = new Map((await backend.another().volumes(signal)).map(({ id, retired }) => [id, retired]));
        expect(found.get(stays.id)).toBe(false);
        expect(found.get(gone.id)).toBe(true);
        expect(found.has(purged.id)).toBe(false);
        const isNumbered = driver.capabilities.largestNumber !== null;
        expect(await driver.record(stays.id, signal)).toMatchObject({
          ...(isNumbered ? { number: stays.number } : {}),
          name: 'stays',
          owner: 'demo',
          scope: 'project',
          project: 'demo',
          size: stays.size.text,
          revision: 7n,
        });
        expect(await driver.record(gone.id, signal)).toMatchObject({ name: 'mydata' });
        expect(await driver.record(randomUUID(), signal)).toBeNull();
      });
    });

    describe('numbers and room', () => {
      it('tell the numbers that are taken, where there are any', async () => {
        const volume = await made();
        await sync(volume, ['10.0.0.1']);
        const taken = await backend.another().numbers(signal);
        expect(taken.has(volume.number ?? 0)).toBe(driver.capabilities.largestNumber !== null);
      });
      it('tell what there is of storage', async () => {
        const room = await driver.room(signal);
        if (room) expect(room.totalBytes).toBeGreaterThanOrEqual(room.freeBytes);
        expect(room?.freeBytes ?? 1n).toBeGreaterThan(0n);
      });
    });

    it('does nothing for a call that was aborted before it began', async () => {
      const volume = await made();
      await sync(volume, ['10.0.0.1']);
      const aborted = AbortSignal.abort(new Error('stop'));
      await expect(driver.syncAccess(volume, { addresses: [], revision: 2n }, true, aborted)).rejects.toThrow('stop');
      await expect(driver.retire(volume, aborted)).rejects.toThrow('stop');
      expect(await read(volume)).toEqual(['10.0.0.1']);
    });
  });
}
