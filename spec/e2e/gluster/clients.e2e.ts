import { randomUUID } from 'node:crypto';
import { parseSize } from '../../../lib/domain/size';
import { type Driver, TerminalError, type Volume } from '../../../lib/ports/driver';
import { aVolume } from '../../drivers/contract';
import { eventually } from '../../support/eventually';
import { type GlusterClient, GlusterCluster } from './cluster';
import { moment, WriteLoop } from './write-loop';

jest.setTimeout(120_000);
const { signal } = new AbortController();

describe('real clients of a real Gluster', () => {
  let cluster: GlusterCluster;
  let driver: Driver;
  let a: GlusterClient;
  let b: GlusterClient;
  let stranger: GlusterClient;
  beforeAll(async () => {
    cluster = await GlusterCluster.start();
    driver = cluster.driver();
    await driver.mark(randomUUID(), signal);
    [a, b, stranger] = [
      await cluster.client('10.99.0.11'),
      await cluster.client('10.99.0.12'),
      await cluster.client('10.99.0.13'),
    ];
  });
  afterAll(() => cluster?.end());

  let revision = 0n;
  const sync = (volume: Volume, addresses: readonly string[]) =>
    driver.syncAccess(volume, { addresses, revision: ++revision }, true, signal);
  const made = async (size = '1Gb') => {
    const volume = { ...aVolume(), size: parseSize(size) };
    return { volume, location: await driver.ensure(volume, true, signal) };
  };
  const mounted = async (client: GlusterClient, location: string): Promise<string> => {
    const folder = await client.mount(location);
    if (folder === null) throw new Error(`${client.namespace.name} was refused`);
    return folder;
  };

  it('lets entitled ones read each other’s files and write, as root and as a user, and refuses others', async () => {
    const { volume, location } = await made();
    expect(await a.mount(location)).toBeNull();
    await sync(volume, ['10.99.0.11', '10.99.0.12']);
    const [ofA, ofB] = [await mounted(a, location), await mounted(b, location)];
    expect(await stranger.mount(location)).toBeNull();
    await a.namespace.shell(`echo from-a > ${ofA}/a && chmod 1777 ${ofA}`);
    expect(await b.namespace.run('cat', `${ofB}/a`)).toBe('from-a\n');
    await b.namespace.run(
      'setpriv',
      '--reuid=1000',
      '--regid=1000',
      '--clear-groups',
      'sh',
      '-ec',
      `echo from-b > ${ofB}/b`,
    );
    expect(await a.namespace.run('cat', `${ofA}/b`)).toBe('from-b\n');
  });

  it('lets in by a block of whole octets whoever is in it, and nobody else', async () => {
    const { volume, location } = await made();
    const block = Array.from({ length: 256 }, (_, index) => `10.99.0.${index}`);
    expect((await sync(volume, block)).refused.size).toBe(0);
    expect(await cluster.gluster('volume', 'get', volume.id, 'auth.allow')).toContain('10.99.0.0/24');
    await mounted(stranger, location);
    await sync(
      volume,
      block.map((each) => each.replace('10.99.0.', '10.98.0.')),
    );
    expect(await a.mount(location)).toBeNull();
  });

  it('cuts off one that writes before the call is answered, and its neighbour loses nothing', async () => {
    const { volume, location } = await made();
    await sync(volume, ['10.99.0.11', '10.99.0.12']);
    const [ofA, ofB] = [await mounted(a, location), await mounted(b, location)];
    const leaving = new WriteLoop(a.namespace, `${ofA}/of-a`);
    const staying = new WriteLoop(b.namespace, `${ofB}/of-b`);
    await eventually(() => (leaving.after(0, 'ok') > 20 && staying.after(0, 'ok') > 20 ? null : 'not begun'));

    await sync(volume, ['10.99.0.12']);
    const answered = moment();
    await eventually(() => (leaving.after(answered, 'failed') > 20 ? null : 'not cut off'));
    const before = staying.operations.length;
    await eventually(() => (staying.operations.length > before + 50 ? null : 'the neighbour has stopped'));
    await Promise.all([leaving.end(), staying.end()]);

    expect(leaving.after(answered, 'ok')).toBe(0);
    expect(staying.after(0, 'failed')).toBe(0);
    expect(await a.mount(location)).toBeNull();
  });

  it('cuts off one that is idle, which has to mount again when it is back', async () => {
    const { volume, location } = await made();
    await sync(volume, ['10.99.0.11', '10.99.0.12']);
    const [ofA, ofB] = [await mounted(a, location), await mounted(b, location)];
    await a.namespace.shell(`echo from-a > ${ofA}/a`);
    await sync(volume, ['10.99.0.12']);
    // the mount answers nothing, or has gone already; what it has read before its kernel may still know
    await b.namespace.shell(`echo from-b > ${ofB}/b`);
    await expect(a.namespace.run('cat', `${ofA}/b`)).rejects.toThrow();
    await sync(volume, ['10.99.0.11', '10.99.0.12']);
    expect(await a.namespace.run('cat', `${await mounted(a, location)}/a`)).toBe('from-a\n');
    expect(await b.namespace.run('cat', `${ofB}/a`)).toBe('from-a\n');
  });

  it('closes a volume whose options an operator has reset, and cuts off who came in meanwhile', async () => {
    const { volume, location } = await made();
    await sync(volume, ['10.99.0.12']);
    const ofB = await mounted(b, location);
    await b.namespace.shell(`echo from-b > ${ofB}/b`);
    await cluster.gluster('volume', 'reset', volume.id);
    expect(await driver.readAccess(volume, signal)).toEqual(['*']);
    const ofStranger = await mounted(stranger, location);
    expect(await stranger.namespace.run('cat', `${ofStranger}/b`)).toBe('from-b\n');
    await sync(volume, ['10.99.0.12']);
    await b.namespace.shell(`echo later > ${ofB}/later`);
    await expect(stranger.namespace.run('cat', `${ofStranger}/later`)).rejects.toThrow();
    expect(await stranger.mount(location)).toBeNull();
    expect(await b.namespace.run('cat', `${ofB}/b`)).toBe('from-b\n');
    expect(await driver.record(volume.id, signal)).toMatchObject({ name: volume.name });
  });

  it('cuts off everybody when it is deleted, and leaves no data on the disk', async () => {
    const { volume, location } = await made();
    await sync(volume, ['10.99.0.11']);
    const folder = await mounted(a, location);
    await a.namespace.shell(`echo secret > ${folder}/a`);
    await sync(volume, []);
    await expect(
      a.namespace.shell(`echo more > ${folder}/b && sync ${folder}/b && grep -q ' ${folder} ' /proc/self/mounts`),
    ).rejects.toThrow();
    await driver.retire(volume, signal);
    expect(await cluster.brick(volume.id)).toEqual(['a']);
    expect(await a.mount(location)).toBeNull();
    await driver.purge(volume, signal);
    expect(await cluster.brick(volume.id)).toBeNull();
    expect(await cluster.gluster('volume', 'list')).not.toContain(volume.id);
  });

  it('holds as much as its size, and more after a resize', async () => {
    const { volume, location } = await made('10Mb');
    await sync(volume, ['10.99.0.11']);
    const folder = await mounted(a, location);
    const write = (name: string, megabytes: number) =>
      a.namespace.run('dd', 'if=/dev/zero', `of=${folder}/${name}`, 'bs=64k', `count=${megabytes * 16}`, 'conv=fsync');
    await expect(write('large', 100)).rejects.toThrow('Disk quota exceeded');
    expect((await a.namespace.run('df', '--output=size', '--block-size=1', folder)).trim().split(/\s+/).at(-1)).toBe(
      '10485760',
    );
    const used = (await driver.usage([volume], signal)).get(volume.id) ?? 0n;
    expect(used).toBeGreaterThan(9_000_000n);
    // what was under way when it was reached is taken still
    expect(used).toBeLessThan(50_000_000n);

    await driver.ensure({ ...volume, size: parseSize('100Mb') }, false, signal);
    await write('large', 20);
    await expect(driver.ensure(volume, false, signal)).rejects.toThrow(TerminalError);
    await write('small', 1);
  });
});
