import { randomUUID } from 'node:crypto';
import type { Driver, Volume } from '../../../lib/ports/driver';
import { aVolume } from '../../drivers/contract';
import { eventually } from '../../support/eventually';
import { type GlusterClient, GlusterCluster } from './cluster';
import { moment, WriteLoop } from './write-loop';

jest.setTimeout(180_000);
const { signal } = new AbortController();

describe('three Gluster nodes, each with a copy', () => {
  let cluster: GlusterCluster;
  let driver: Driver;
  let a: GlusterClient;
  let b: GlusterClient;
  let volume: Volume;
  let location: string;
  beforeAll(async () => {
    cluster = await GlusterCluster.start(3);
    driver = cluster.driver();
    await driver.mark(randomUUID(), signal);
    [a, b] = [await cluster.client('10.99.0.11'), await cluster.client('10.99.0.12')];
    volume = aVolume();
    location = await driver.ensure(volume, true, signal);
  });
  afterAll(() => cluster?.end());

  let revision = 0n;
  const sync = (addresses: readonly string[]) =>
    driver.syncAccess(volume, { addresses, revision: ++revision }, true, signal);
  const mounted = async (client: GlusterClient): Promise<string> => {
    const folder = await client.mount(location);
    if (folder === null) throw new Error(`${client.namespace.name} was refused`);
    return folder;
  };

  it('keep what is written three times, and know their room once', async () => {
    await sync(['10.99.0.11', '10.99.0.12']);
    await a.namespace.shell(`echo from-a > ${await mounted(a)}/a`);
    for (const node of cluster.nodes) expect(await cluster.brick(volume.id, node)).toEqual(['a']);
    const room = await driver.room(signal);
    // three disks of 2 GiB
    expect(room?.totalBytes).toBe(2n << 30n);
  });

  it('cut off a client on all of them before the call is answered', async () => {
    const [ofA, ofB] = [await mounted(a), await mounted(b)];
    const leaving = new WriteLoop(a.namespace, `${ofA}/of-a`);
    const staying = new WriteLoop(b.namespace, `${ofB}/of-b`);
    await eventually(() => (leaving.after(0, 'ok') > 20 && staying.after(0, 'ok') > 20 ? null : 'not begun'));
    await sync(['10.99.0.12']);
    const answered = moment();
    await eventually(() => (leaving.after(answered, 'failed') > 20 ? null : 'not cut off'));
    await Promise.all([leaving.end(), staying.end()]);
    expect(leaving.after(answered, 'ok')).toBe(0);
    expect(staying.after(0, 'failed')).toBe(0);
  });

  it('go on with one of them away, which has the present list when it is back', async () => {
    await sync(['10.99.0.11', '10.99.0.12']);
    const [, , third] = cluster.nodes;
    if (!third) throw new Error('there are three');
    await cluster.stopNode(third);
    const identity = await driver.check(signal);
    expect(identity).not.toBeNull();
    expect(await driver.room(signal)).toBeNull();
    await sync(['10.99.0.12']);
    expect(await a.mount(location)).toBeNull();
    expect(await b.namespace.run('cat', `${await mounted(b)}/a`)).toBe('from-a\n');

    await cluster.startNode(third);
    await eventually(async () => ((await driver.room(signal)) ? null : 'its bricks are not back'), 60_000);
    // it asks the others when it is back
    await eventually(async () => {
      const own = await third.run('/usr/sbin/gluster', '--mode=script', 'volume', 'get', volume.id, 'auth.allow');
      return own.includes('10.99.0.12') && !own.includes('10.99.0.11') ? null : own;
    }, 60_000);
  });

  it('lose all three copies when it is purged', async () => {
    await driver.retire(volume, signal);
    await driver.purge(volume, signal);
    for (const node of cluster.nodes) expect(await cluster.brick(volume.id, node)).toBeNull();
  });
});
