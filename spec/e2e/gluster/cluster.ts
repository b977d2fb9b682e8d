import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { createDriver } from '../../../lib/drivers';
import type { Driver } from '../../../lib/ports/driver';
import { thisProcess } from '../../../lib/process-identity';
import { eventually } from '../../support/eventually';
import { Namespace, Network } from './namespace';

/** The disk for bricks, and the folder on it that has a folder a volume. */
const DISK = '/run/bricks';
export const BRICKS = `${DISK}/volumes`;
const PID_FILE = '/run/glusterd.pid';
const AWAY = '/run/away';
/** glusterd, its CLI and its bricks keep everything below these: a namespace has its own. */
const OWN = ['/run', '/var/lib/glusterd', '/var/log/glusterfs'];

/** Real Gluster servers, each in namespaces of its own, and clients. */
export class GlusterCluster {
  readonly nodes: Namespace[] = [];
  readonly #clients: Namespace[] = [];

  private constructor(
    private readonly network: Network,
    private readonly folder: string,
    private readonly family: 4 | 6,
  ) {}

  /** With glusterd on so many nodes, 10.99.0.1 (fd00:99::1) and on, that are peers. It speaks one family. */
  static async start(nodes = 1, family: 4 | 6 = 4): Promise<GlusterCluster> {
    for (const program of ['/usr/sbin/glusterd', '/usr/sbin/gluster', '/usr/sbin/glusterfs'])
      if (!existsSync(program)) throw new Error(`${program} is missing: run spec/e2e/gluster/install.sh`);
    const folder = await mkdtemp(path.join(tmpdir(), 'nova-shared-filesystem-e2e-'));
    const cluster = new GlusterCluster(await Network.start(), folder, family);
    try {
      for (let index = 1; index <= nodes; index++) await cluster.#addNode(cluster.address(index));
      for (let index = 2; index <= nodes; index++) await cluster.gluster('peer', 'probe', cluster.address(index));
      await eventually(async () => {
        const connected = (await cluster.gluster('pool', 'list')).split('Connected').length - 1;
        return connected === nodes ? null : `${connected} of ${nodes} nodes`;
      });
    } catch (error) {
      await cluster.end();
      throw error;
    }
    return cluster;
  }

  address(index: number): string {
    return this.family === 4 ? `10.99.0.${index}` : `fd00:99::${index}`;
  }

  /** The first node. */
  get node(): Namespace {
    const [first] = this.nodes;
    if (!first) throw new Error('there is no node');
    return first;
  }

  /** What a process of ours makes over it. */
  driver(settings: Record<string, unknown> = {}): Driver {
    return createDriver(
      {
        name: 'gluster',
        driver: 'gluster',
        bricks: this.nodes.map((_, index) => `${this.address(index + 1)}:${BRICKS}`),
        replica: this.nodes.length,
        exportAddress: this.address(1),
        command: [...this.node.prefix, '/usr/sbin/gluster'],
        // as ssh to the host would: here a host is a namespace
        brickCommand: ['/bin/sh', '-c', `case $0 in ${this.#hosts()} esac; exec "$@"`, '{host}'],
        lockDirectory: path.join(this.folder, 'locks'),
        ...settings,
      },
      { process: thisProcess() },
    );
  }

  #hosts(): string {
    return this.nodes
      .map(({ prefix }, index) => `${this.address(index + 1)}) set -- ${prefix.join(' ')} "$@" ;;`)
      .join(' ');
  }

  /** Runs the CLI, as an operator. */
  async gluster(...words: readonly string[]): Promise<string> {
    return this.node.run('/usr/sbin/gluster', '--mode=script', ...words);
  }

  /** A machine that may mount, if it is let in. */
  async client(address: string): Promise<GlusterClient> {
    const namespace = await Namespace.start(
      address,
      'mount -t tmpfs none /var/log/glusterfs && mount -t tmpfs none /mnt',
    );
    this.#clients.push(namespace);
    await this.network.connect(namespace, `${address}/${this.#prefixLength}`);
    return new GlusterClient(namespace);
  }

  /** Takes the disks away as a restart does after which they are not mounted. @returns mounts them again */
  async unmount(): Promise<() => Promise<void>> {
    for (const node of this.nodes) {
      await stopBricks(node);
      await node.shell(`mkdir -p ${AWAY} && mount --move ${DISK} ${AWAY}`);
    }
    return async () => {
      for (const node of this.nodes) await node.shell(`mount --move ${AWAY} ${DISK}`);
    };
  }

  /** Names in the folder of a volume on a node, as its disk has them; null: there is none. */
  async brick(name: string, node = this.node): Promise<readonly string[] | null> {
    const names = await readdir(node.pathOf(`${BRICKS}/${name}`)).catch(() => null);
    return names?.filter((each) => !each.startsWith('.glusterfs')) ?? null;
  }

  async end(): Promise<void> {
    await Promise.all([...this.#clients, ...this.nodes].map((each) => each.end()));
    await this.network.end();
    await rm(this.folder, { recursive: true, force: true });
  }

  get #prefixLength(): number {
    return this.family === 4 ? 24 : 64;
  }

  async #addNode(address: string): Promise<void> {
    const own = OWN.map((each) => `mount -t tmpfs none ${each}`).join(' && ');
    const node = await Namespace.start(
      address,
      `${own} && mkdir -p /run/gluster ${DISK} && mount -t tmpfs -o size=2g bricks ${DISK} && mkdir ${BRICKS}`,
    );
    this.nodes.push(node);
    await this.network.connect(node, `${address}/${this.#prefixLength}`);
    await this.startNode(node);
  }

  /** Starts glusterd, which starts its bricks. */
  async startNode(node: Namespace): Promise<void> {
    const settings = '/run/glusterd.vol';
    const family = this.family === 4 ? 'inet' : 'inet6';
    await node.shell(
      `sed 's/^end-volume/option transport.address-family ${family}\\n&/' /etc/glusterfs/glusterd.vol > ${settings}`,
    );
    await node.run('/usr/sbin/glusterd', `--pid-file=${PID_FILE}`, `--volfile=${settings}`);
    await eventually(() =>
      node.run('/usr/sbin/gluster', '--mode=script', 'volume', 'list').then(
        () => null,
        (error: unknown) => String(error),
      ),
    );
  }

  /** Ends all of Gluster on a node, as a crash does. */
  async stopNode(node: Namespace): Promise<void> {
    await kill(node, [await readFile(node.pathOf(PID_FILE), 'utf8')]);
    await stopBricks(node);
  }
}

/** A machine with Gluster's FUSE client. */
export class GlusterClient {
  constructor(readonly namespace: Namespace) {}

  /** @returns the folder; null: it was refused */
  async mount(location: string): Promise<string | null> {
    const folder = `/mnt/${location.split('/').at(-1)}`;
    // a mount that was cut off stays, and answers nothing
    await this.namespace.shell(`umount --lazy ${folder} 2>/dev/null || true; mkdir -p ${folder}`);
    const attempt = await this.namespace
      .run('timeout', '30', 'mount', '-t', 'glusterfs', location, folder)
      .then(() => true)
      .catch(() => false);
    // the client says success before it is refused
    return attempt && (await this.#isMounted(folder)) ? folder : null;
  }

  async #isMounted(folder: string): Promise<boolean> {
    return this.namespace.run('stat', '--file-system', '--format=%T', folder).then(
      (type) => type.includes('fuse'),
      () => false,
    );
  }
}

/** By the process ids that they have written down. */
async function stopBricks(node: Namespace): Promise<void> {
  const folder = node.pathOf('/run/gluster/vols');
  const files = (await readdir(folder, { recursive: true })).filter((each) => each.endsWith('.pid'));
  const pids = await Promise.all(files.map((each) => readFile(path.join(folder, each), 'utf8')));
  await kill(node, pids);
}

async function kill(node: Namespace, pids: readonly string[]): Promise<void> {
  for (const pid of pids.map(Number)) {
    await node.shell(`kill -KILL ${pid} 2>/dev/null || true`);
    await eventually(async () => ((await node.shell(`test -e /proc/${pid} || echo gone`)) ? null : `${pid} runs`));
  }
}
