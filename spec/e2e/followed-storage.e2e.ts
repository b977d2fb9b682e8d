import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { eventually } from '../support/eventually';
import { GatewayProcess } from '../support/gateway-process';
import { Ganesha } from './storage/ganesha';
import { type Place, StorageLab } from './storage/lab';
import { NfsClients, type NfsLoop, USER } from './storage/nfs-client';

const EACCES = 13;
const ENOENT = 2;
const SOON_MILLISECONDS = 20_000;
/** Of each kind of operation: enough to be sure that a loop goes on. */
const SOME = 20;

describe('instances that a gateway follows, on a real NFS-Ganesha', () => {
  let lab: StorageLab;
  let clients: NfsClients;
  let gateway: GatewayProcess;
  let base: string;
  let places: readonly Place[];
  const ids = [randomUUID(), randomUUID(), randomUUID(), randomUUID()] as const;
  beforeAll(async () => {
    lab = await StorageLab.make({ instances: 3 });
    places = lab.instances;
    const ganesha = new Ganesha(lab);
    await ganesha.start();
    clients = await NfsClients.make(lab);
    const backends = path.join(lab.folder, 'backends.json');
    writeFileSync(backends, JSON.stringify([ganesha.backend('filer1', path.join(lab.folder, 'volumes'))]));
    gateway = new GatewayProcess(['node', 'dist/lib/cli/main.js'], {
      PORT: '0',
      DATA_DIR: path.join(lab.folder, 'data'),
      BACKENDS: backends,
      NETWORKS: '10.99.0.0/24',
    });
    base = await gateway.listening();
  });
  afterAll(async () => {
    gateway?.interrupt();
    await gateway?.exit;
    await lab?.remove();
  });

  const call = async (method: string, where: string, body?: object) => {
    const answer = await fetch(`${base}/v1.1/${where}`, {
      method,
      headers: { 'Content-Type': 'application/json', Prefer: 'wait=20' },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? null : JSON.parse(text) };
  };
  const made = async (project: string, name: string): Promise<string> => {
    const { status, body } = await call('PUT', `${project}/os-filesystem/${name}`, {
      fs_entry: { size: '1Gb', scope: 'project' },
    });
    expect(status).toBe(201);
    return body.fs_entry.export_location;
  };
  const say = async (event: string, index: 0 | 1 | 2 | 3, project: string, place = places[index]) => {
    const { status } = await call('POST', 'admin/os-filesystem/_events', {
      event_type: `compute.instance.${event}`,
      message_id: randomUUID(),
      publisher_id: 'compute',
      priority: 'INFO',
      timestamp: new Date().toISOString(),
      payload: {
        instance_id: ids[index],
        tenant_id: project,
        state: event.startsWith('delete') ? 'deleting' : 'active',
        fixed_ips: [{ address: place?.ipv4, type: 'fixed' }],
      },
    });
    expect(status).toBe(202);
  };
  /** Until the run that follows from what was said is settled: by what the API says. */
  const settled = (project: string, name: string, applied: number) =>
    eventually(async () => {
      const { access } = (await call('GET', `${project}/os-filesystem/${name}`)).body.fs_entry;
      return access.applied === applied && access.state === 'current' ? null : JSON.stringify(access);
    }, SOON_MILLISECONDS);
  const worked = async (loop: NfsLoop): Promise<void> => {
    await loop.mark();
    await loop.tally(
      ({ writes, reads, stats }) =>
        Math.min(writes, reads, stats) >= SOME ? null : `${writes} writes, ${reads} reads, ${stats} stats`,
      SOON_MILLISECONDS,
    );
  };
  const place = (index: 0 | 1 | 2): Place => places[index] as Place;

  it('mount it when they are created, and are cut off in the middle of their open file when they are deleted', async () => {
    const location = await made('demo', 'shared');
    await say('create.end', 0, 'demo');
    await say('create.end', 1, 'demo');
    await settled('demo', 'shared', 2);
    const leaving = await clients.loop(place(0), location, USER, '/leaving');
    const staying = await clients.loop(place(1), location, USER, '/staying');
    await worked(leaving);
    await worked(staying);

    await say('delete.start', 0, 'demo');
    await settled('demo', 'shared', 1);
    await leaving.mark();
    // what begins after the run is settled
    const tried = await leaving.tally(
      ({ failures }) => (failures >= SOME ? null : 'it does not try'),
      SOON_MILLISECONDS,
    );
    expect(tried).toMatchObject({ writes: 0, reads: 0, stats: 0 });
    expect(leaving.lines.filter(({ event, errno }) => event === 'write' && errno !== 0)).toMatchObject([
      { errno: EACCES },
    ]);
    await worked(staying);
    await leaving.end();
    expect(await staying.end()).toMatchObject({ failures: 0 });
    expect((await clients.run(place(1), location, USER, ['stat', '/staying'])).at(-1)).toMatchObject({
      event: 'attributes',
    });
  });

  it('do not inherit what their address had: another project’s instance with it gets nothing', async () => {
    const location = await made('demo', 'secret');
    const theirs = await made('other', 'theirs');
    await say('create.end', 1, 'demo');
    await settled('demo', 'secret', 1);
    await say('delete.start', 1, 'demo');
    await say('create.end', 2, 'other', place(1));
    await settled('other', 'theirs', 1);
    await settled('demo', 'secret', 0);
    expect(await clients.run(place(1), location, USER, ['stat', '/'])).toMatchObject([
      { event: 'mount', errno: ENOENT },
    ]);
    expect((await clients.run(place(1), theirs, USER, ['stat', '/'])).at(-1)).toMatchObject({ event: 'attributes' });
  });

  it('of a filesystem that is deleted and made again under its name meet nothing of the old one', async () => {
    const before = await made('third', 'again');
    await say('create.end', 3, 'third', place(2));
    await settled('third', 'again', 1);
    await clients.run(place(2), before, USER, ['write', '/old', 'of the old one']);
    expect((await call('DELETE', 'third/os-filesystem/again')).status).toBe(204);
    const after = await made('third', 'again');
    await settled('third', 'again', 1);
    expect(after).not.toBe(before);
    expect((await clients.run(place(2), after, USER, ['read', '/old'])).at(-1)).toMatchObject({
      event: 'open',
      errno: ENOENT,
    });
    expect(await clients.run(place(2), before, USER, ['stat', '/'])).toMatchObject([{ event: 'mount', errno: ENOENT }]);
  });
});
