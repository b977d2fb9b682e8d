import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { GatewayProcess } from './gateway-process';

/** What a gateway follows, in the words of its settings. */
export type FollowedSettings = Readonly<Record<string, string>>;

/** A client of an exports file, as a line of ours has it. */
const CLIENT = /^ {2}(\S+?)\(/gm;

/** The gateway as it is installed, in a process and a folder of its own, on a cloud of the spec. It can be killed and started again. */
export class FollowingGateway {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'gateway-'));
  #process: GatewayProcess | null = null;
  #url = '';

  constructor(private readonly settings: FollowedSettings) {}

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Where the extension is, for a tenant. */
  base(tenant: string): string {
    return `${this.#url}/v1.1/${tenant}/os-filesystem`;
  }

  /** Resolves when it serves. */
  async start(): Promise<void> {
    const environment = { PORT: '0', DATA_DIR: this.folder, ...this.settings };
    this.#process = new GatewayProcess(['node', 'dist/lib/cli/main.js'], environment);
    this.#url = await this.#process.listening();
  }

  /** Has it compare its directory with Compute's list, as an operator would. */
  resync(): void {
    this.#process?.signal('SIGUSR2');
  }

  /** As `kill -9`. */
  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  /** Ends it in order, for good. */
  async stop(): Promise<void> {
    this.#process?.signal('SIGINT');
    await this.#process?.exit;
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** PUTs a filesystem of a project, or for everybody, and waits until its backend has it. @returns its id */
  async make(name: string, project: string, scope: 'global' | 'project' = 'project'): Promise<string> {
    const body = JSON.stringify({ fs_entry: { size: '1Gb', scope } });
    const headers = { 'Content-Type': 'application/json', Prefer: 'wait=10' };
    const answer = await fetch(`${this.base(project)}/${name}`, { method: 'PUT', body, headers });
    if (!answer.ok) throw new Error(`PUT ${name}: ${answer.status} ${await answer.text()}`);
    return ((await answer.json()) as { fs_entry: { id: string } }).fs_entry.id;
  }

  /** Whom the exports file of a filesystem lets in, now; nobody where there is none. */
  exported(id: string): readonly string[] {
    return Array.from(this.#exports(id).matchAll(CLIENT), ([, client = '']) => client);
  }

  /** The sum of all samples of a metric whose labels have these. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const text = await (await fetch(`${this.#url}/metrics`)).text();
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    const samples = text
      .split('\n')
      .filter((line) => /^[a-z_]+/.exec(line)?.[0] === name && wanted.every((each) => line.includes(each)));
    return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  /** The most memory that it ever had in use, bytes. */
  get peakMemoryBytes(): number {
    const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1];
    return Number(kibibytes) * 1_024;
  }

  #exports(id: string): string {
    try {
      return readFileSync(path.join(this.folder, 'exports', `${id}.exports`), 'utf8');
    } catch {
      return '';
    }
  }
}
