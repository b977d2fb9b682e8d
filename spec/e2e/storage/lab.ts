import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { promisify } from 'node:util';

/*
 * The storage lab: a filer and instances, each a network namespace with names of its own, so that labs of several runs do not
 * meet. Their one network is a bridge in the filer's namespace:
 *
 *   lab.filer       10.99.0.1  fd00:99::1   servers run here (ganesha.ts)
 *   lab.instances   10.99.0.11 fd00:99::b, 10.99.0.12 fd00:99::c, …   clients run here (nfs-client.ts)
 *
 * Only the network is apart: files, mounts and process ids are the machine's, whatever runs where. Root is needed, and
 * what install.sh installs. `remove` ends what `start` started, by its ids, and leaves nothing behind.
 */

/** A network namespace, and its addresses in the lab's network. */
export interface Place {
  readonly namespace: string;
  readonly ipv4: string;
  readonly ipv6: string;
}

const run = promisify(execFile);

/** See above. */
export class StorageLab {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'storage-lab-'));
  readonly filer: Place;
  readonly instances: readonly Place[];
  readonly #processes = new Set<ChildProcess>();

  private constructor(instances: number) {
    // other accounts reach what is in it
    chmodSync(this.folder, 0o755);
    const name = `sfs-${randomBytes(4).toString('hex')}`;
    this.filer = { namespace: `${name}-filer`, ipv4: '10.99.0.1', ipv6: 'fd00:99::1' };
    this.instances = Array.from({ length: instances }, (_, index) => ({
      namespace: `${name}-${index}`,
      ipv4: `10.99.0.${11 + index}`,
      ipv6: `fd00:99::${(11 + index).toString(16)}`,
    }));
  }

  /** Makes the namespaces. */
  static async make({ instances }: { readonly instances: number }): Promise<StorageLab> {
    if (process.getuid?.() !== 0) throw new Error('the storage lab makes network namespaces: run it as root');
    const lab = new StorageLab(instances);
    try {
      await lab.#make();
    } catch (error) {
      await lab.remove();
      throw error;
    }
    return lab;
  }

  async #make(): Promise<void> {
    const { namespace: filer } = this.filer;
    await ip('netns', 'add', filer);
    await ip('-n', filer, 'link', 'add', 'storage', 'type', 'bridge');
    await bringUp(this.filer, 'storage');
    for (const [index, instance] of this.instances.entries()) {
      await ip('netns', 'add', instance.namespace);
      const port = `port${index}`;
      await ip('-n', filer, 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', instance.namespace);
      await ip('-n', filer, 'link', 'set', port, 'master', 'storage', 'up');
      await bringUp(instance, 'eth0');
    }
  }

  /** Starts a program at a place; it is killed with the lab at the latest. */
  start(
    place: Place,
    [program, ...args]: readonly [string, ...string[]],
    environment: NodeJS.ProcessEnv = {},
  ): ChildProcess {
    const started = spawn('nsenter', [`--net=/run/netns/${place.namespace}`, program, ...args], {
      env: { ...process.env, LC_ALL: 'C', ...environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#processes.add(started);
    started.once('exit', () => this.#processes.delete(started));
    // input of one that has ended is nobody's
    started.stdin.on('error', () => undefined);
    return started;
  }

  /** Ends one, and resolves when it has ended. */
  async stop(started: ChildProcess, how: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (started.exitCode !== null || started.signalCode !== null || started.pid === undefined) return;
    const ended = once(started, 'exit');
    started.kill(how);
    await ended;
  }

  /** Ends everything, and removes namespaces and folder. */
  async remove(): Promise<void> {
    await Promise.all([...this.#processes].map((each) => this.stop(each)));
    for (const { namespace } of [...this.instances, this.filer])
      await ip('netns', 'del', namespace).catch(() => undefined);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function bringUp({ namespace, ipv4, ipv6 }: Place, link: string): Promise<void> {
  await ip('-n', namespace, 'addr', 'add', `${ipv4}/24`, 'dev', link);
  // no duplicate address detection: it would take a second before the address can be used
  await ip('-n', namespace, 'addr', 'add', `${ipv6}/64`, 'dev', link, 'nodad');
  await ip('-n', namespace, 'link', 'set', 'lo', 'up');
  await ip('-n', namespace, 'link', 'set', link, 'up');
}

async function ip(...args: string[]): Promise<void> {
  await run('ip', args);
}
