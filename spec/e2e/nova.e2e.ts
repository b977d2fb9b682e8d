import { differenceOf, eventually } from '../support/eventually';
import { ExportsHistory } from '../support/exports-history';
import { FollowingGateway } from '../support/following-gateway';
import { type Cloud, startCloud } from '../support/nova-cloud';
import { TcpProxy } from './rabbitmq/tcp-proxy';

const RESYNC_SECONDS = 5;
/** For what the bus tells. What Nova does beside is on the same two cores. */
const TOLD_MILLISECONDS = 15_000;
/** For what only a resync, and the question that follows, can tell. */
const RESYNCED_MILLISECONDS = 3 * RESYNC_SECONDS * 1_000 + 15_000;

type Project = 'alpha' | 'beta';
interface Server {
  readonly id: string;
  readonly project: Project;
}

/** Instances of a real Nova, whatever becomes of them, and the files that a real NFS server would load. */
describe('exports that follow a real Nova', () => {
  let cloud: Cloud;
  let gateway: FollowingGateway;
  /** Between the gateway and the bus. */
  let proxy: TcpProxy;
  const files = new Map<string, ExportsHistory>();
  const servers: Server[] = [];
  /** What was done → milliseconds from Nova's answer to the file. */
  const times: (readonly [what: string, milliseconds: number])[] = [];

  beforeAll(async () => {
    cloud = await startCloud();
    const bus = new URL(cloud.amqpUrl);
    proxy = await TcpProxy.to(bus.hostname, Number(bus.port));
    bus.port = String(proxy.port);
    const { storage } = cloud.networks;
    gateway = new FollowingGateway({
      AMQP_URL: bus.toString(),
      COMPUTE_URL: cloud.computeUrl,
      COMPUTE_TOKEN: await cloud.adminToken(),
      RESYNC_INTERVAL: String(RESYNC_SECONDS),
      NETWORKS: `10.20.0.0/16@${storage},fd00:20::/64@${storage}`,
    });
    await gateway.start();
    for (const project of ['alpha', 'beta'] as const) {
      const id = await gateway.make(`of-${project}`, cloud.projectId(project));
      files.set(project, new ExportsHistory(gateway, id));
    }
    files.set('all', new ExportsHistory(gateway, await gateway.make('everybodys', cloud.projectId('admin'), 'global')));
  }, 600_000);

  afterAll(async () => {
    const lines = times.map(([what, milliseconds]) => `  ${String(Math.round(milliseconds)).padStart(6)} ms  ${what}`);
    process.stdout.write(`\nFrom Nova's answer to the exports file:\n${lines.join('\n')}\n`);
    for (const file of files.values()) file.stop();
    await gateway?.stop();
    await proxy?.close();
    await cloud?.stop();
  }, 120_000);

  /** Of those that are there for Nova and not about to go, the addresses on the storage network. */
  const entitled = async (project: Project | 'all'): Promise<readonly string[]> => {
    const lists = servers
      .filter((each) => project === 'all' || each.project === project)
      .map(async ({ id }) => {
        const state = await cloud.server(id);
        return state === null || state.status === 'SOFT_DELETED' ? [] : state.addresses;
      });
    return (await Promise.all(lists)).flat().filter((each) => /^(10\.20\.|fd00:20:)/.test(each));
  };

  /** Waits until all files are exactly right, and notes how long the slowest took from Nova's answer. */
  const right = async (what: string, milliseconds = TOLD_MILLISECONDS): Promise<void> => {
    const answered = cloud.actions.at(-1)?.answeredAt ?? new Date();
    let changed = new Date(0);
    for (const [project, file] of files) {
      const wanted = await entitled(project as Project | 'all');
      await eventually(() => {
        const differs = differenceOf(file.now, wanted);
        return differs && `after ${what}, the file of ${project}: ${differs}`;
      }, milliseconds);
      if (file.since > changed) changed = file.since;
    }
    if (changed >= answered) times.push([what, changed.getTime() - answered.getTime()]);
  };

  const create = async (project: Project): Promise<Server> => {
    const { id } = await cloud.createServer(project);
    const server = { id, project };
    servers.push(server);
    return server;
  };

  /** One of a project that Nova has. */
  const aliveOf = async (project: Project): Promise<Server> => {
    for (const server of servers)
      if (server.project === project && (await cloud.server(server.id)) !== null) return server;
    throw new Error(`Nova has no instance of ${project}`);
  };

  const exported = (project: string): readonly string[] => files.get(project)?.now ?? [];

  it('are right after each thing that can happen to an instance', async () => {
    const { storage, other } = cloud.networks;
    const { id } = await create('alpha');
    await right('created');
    expect(exported('alpha')).toHaveLength(2);
    expect(exported('beta')).toEqual([]);

    const more = await cloud.attachInterface(id, storage);
    await right('another port on the storage network');
    expect(exported('alpha')).toHaveLength(4);
    const elsewhere = await cloud.attachInterface(id, other);
    await right('a port on a network that does not count');
    expect(exported('alpha')).toHaveLength(4);
    await cloud.detachInterface(id, more.portId);
    await right('that port is gone');
    await cloud.detachInterface(id, elsewhere.portId);
    await right('the other port is gone');
    expect(exported('alpha')).toHaveLength(2);

    const during = new Date();
    await cloud.stopServer(id);
    await cloud.startServer(id);
    await cloud.pause(id);
    await cloud.unpause(id);
    await cloud.suspend(id);
    await cloud.resume(id);
    await cloud.rebuild(id);
    await cloud.rescue(id);
    await cloud.unrescue(id);
    await cloud.shelve(id);
    await cloud.shelveOffload(id);
    await cloud.unshelve(id);
    await right('stopped, paused, suspended, rebuilt, rescued, shelved and back');
    // let in all the time
    expect(files.get('alpha')?.since.getTime()).toBeLessThan(during.getTime());

    await cloud.deleteServer(id);
    await right('soft-deleted');
    expect(exported('alpha')).toEqual([]);
    await cloud.restoreServer(id);
    await right('restored');
    expect(exported('alpha')).toHaveLength(2);
    await cloud.deleteServer(id);
    await cloud.forceDeleteServer(id);
    await right('force-deleted after it was soft-deleted');
    const again = await create('alpha');
    await cloud.forceDeleteServer(again.id);
    await right('force-deleted while it was active');
    expect(exported('all')).toEqual([]);
  }, 300_000);

  it('are right when ten instances come and go at once, and the service is killed in the middle', async () => {
    const ten = Array.from({ length: 10 }, (_, index) => create(index % 2 === 0 ? 'alpha' : 'beta'));
    await Promise.race(ten);
    await gateway.kill();
    await Promise.all(ten.slice(0, 5));
    await gateway.start();
    const created = await Promise.all(ten);
    await right('ten created at once, the service killed meanwhile', RESYNCED_MILLISECONDS);
    expect(exported('all')).toHaveLength(20);
    const deletions = created.slice(0, 8).map(({ id }) => cloud.forceDeleteServer(id));
    await gateway.kill();
    await gateway.start();
    await Promise.all(deletions);
    await right('eight deleted at once, the service killed meanwhile', RESYNCED_MILLISECONDS);
    expect(exported('all')).toHaveLength(4);
  }, 300_000);

  it('are repaired by the resync while the bus is away, and by the bus when it is back', async () => {
    proxy.refuse();
    const stranger = await create('beta');
    await right('created while the bus was away', RESYNCED_MILLISECONDS);
    const old = await aliveOf('alpha');
    await cloud.forceDeleteServer(old.id);
    await right('deleted while the bus was away', RESYNCED_MILLISECONDS);
    proxy.accept();

    await cloud.stopRabbit();
    await cloud.startRabbit();
    const later = await create('alpha');
    await right('created after the broker was restarted', RESYNCED_MILLISECONDS);
    for (const { id } of [stranger, later]) await cloud.forceDeleteServer(id);
    await right('deleted after the broker was restarted', RESYNCED_MILLISECONDS);
  }, 300_000);

  it.each(['versioned', 'unversioned'] as const)(
    'are right with %s notifications alone',
    async (format) => {
      await cloud.setNotificationFormat(format);
      const { id } = await create('alpha');
      await right(`${format}: created`);
      const { portId } = await cloud.attachInterface(id, cloud.networks.storage);
      // a legacy Nova does not tell: the resync is the limit
      const patience = format === 'versioned' ? TOLD_MILLISECONDS : RESYNCED_MILLISECONDS;
      await right(`${format}: another port`, patience);
      await cloud.detachInterface(id, portId);
      await right(`${format}: that port is gone`, patience);
      await cloud.deleteServer(id);
      await right(`${format}: soft-deleted`);
      await cloud.restoreServer(id);
      await right(`${format}: restored`, RESYNCED_MILLISECONDS);
      await cloud.forceDeleteServer(id);
      await right(`${format}: force-deleted`);
    },
    300_000,
  );
});
