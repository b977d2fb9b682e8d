import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { eventually } from '../../support/eventually';

const execute = promisify(execFile);

/** A machine of its own, as far as processes, mounts and network go. Ending it ends all in it, and its mounts with them. */
export class Namespace {
  private constructor(
    readonly name: string,
    private readonly holder: ChildProcess,
    /** Of its first process, as this machine counts. */
    readonly pid: number,
  ) {}

  /** @param setUp for a shell in it, run once */
  static async start(name: string, setUp = 'true'): Promise<Namespace> {
    if (process.getuid?.() !== 0) throw new Error('only root can make namespaces');
    // the first process of a namespace has to wait for those that lose their parents
    const script = `${setUp} && ip link set lo up && echo ready && while :; do sleep 3600 & wait $!; done`;
    const inside = ['--mount', '--net', '--pid', '--fork', '--mount-proc', '--kill-child=KILL', 'sh', '-ec', script];
    // it ends with this process too, however that ends
    const holder = spawn('setpriv', ['--pdeathsig', 'KILL', 'unshare', ...inside], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [said, complaint] = ['', ''];
    holder.stdout.on('data', (each) => {
      said += each;
    });
    holder.stderr.on('data', (each) => {
      complaint += each;
    });
    await eventually(() => {
      if (holder.exitCode !== null) throw new Error(`no namespace ${name}: ${complaint}`);
      return said.includes('ready') ? null : 'not ready';
    });
    const children = await readFile(`/proc/${holder.pid}/task/${holder.pid}/children`, 'utf8');
    return new Namespace(name, holder, Number(children.trim()));
  }

  /** What stands before a program that is to run in it. */
  get prefix(): readonly string[] {
    return ['/usr/bin/nsenter', `--target=${this.pid}`, '--mount', '--net', '--pid', '--wd=/'];
  }

  /** The path of a file in it, as this machine sees it. */
  pathOf(file: string): string {
    return `/proc/${this.pid}/root${file}`;
  }

  /** Runs a program in it. @returns what it wrote */
  async run(...words: readonly string[]): Promise<string> {
    const [program = '', ...args] = [...this.prefix, ...words];
    return (await execute(program, args, { maxBuffer: 1 << 26 })).stdout;
  }

  async shell(script: string): Promise<string> {
    return this.run('sh', '-ec', script);
  }

  /** Starts a program in it that goes on; it ends with it. */
  start(...words: readonly string[]): ChildProcess {
    const [program = '', ...args] = [...this.prefix, ...words];
    return spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  }

  async end(): Promise<void> {
    if (this.holder.exitCode !== null || this.holder.signalCode !== null) return;
    const ended = new Promise((resolve) => this.holder.once('exit', resolve));
    this.holder.kill('SIGKILL');
    await ended;
  }
}

/** A network of namespaces: a switch in one of its own, so that nothing of this machine's network changes. */
export class Network {
  private constructor(private readonly bridge: Namespace) {}

  static async start(): Promise<Network> {
    return new Network(await Namespace.start('switch', 'ip link add bridge0 type bridge && ip link set bridge0 up'));
  }

  /** Connects a namespace, with these addresses (`10.99.0.1/24`). */
  async connect(namespace: Namespace, ...addresses: readonly string[]): Promise<void> {
    const port = `to-${namespace.pid}`;
    const inNetwork = (...words: readonly string[]) =>
      execute('nsenter', [`--target=${this.bridge.pid}`, '--net', 'ip', 'link', ...words]);
    // by this machine's process ids: the switch does not see the others
    await inNetwork('add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(namespace.pid));
    await inNetwork('set', port, 'master', 'bridge0', 'up');
    for (const address of addresses)
      await namespace.run('ip', 'addr', 'add', address, 'dev', 'eth0', ...(address.includes(':') ? ['nodad'] : []));
    await namespace.run('ip', 'link', 'set', 'eth0', 'up');
  }

  async end(): Promise<void> {
    await this.bridge.end();
  }
}
