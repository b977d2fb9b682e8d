import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, on } from 'node:events';
import * as path from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = path.resolve(__dirname, '../..');

/** One line of the log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string };

/** The gateway as a process of its own, with a log that can be waited for. */
export class GatewayProcess {
  readonly log: LogLine[] = [];
  errors = '';
  output = '';
  readonly exit: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #news = new EventEmitter();
  #ended = false;

  /** Its environment is what it is given, and of ours only where programs and home are. */
  constructor(command: readonly [string, ...string[]], environment: Readonly<Record<string, string>>) {
    const [program, ...words] = command;
    const { PATH = '', HOME = '' } = process.env;
    this.#child = spawn(program, words, {
      cwd: ROOT,
      env: { PATH, HOME, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // a process group of its own, as a terminal gives one
    });
    this.exit = new Promise((resolve) => {
      this.#child.once('close', (code) => {
        this.#ended = true;
        this.#news.emit('news');
        resolve(code);
      });
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.errors += chunk;
      this.#news.emit('news');
    });
    if (this.#child.stdout) createInterface({ input: this.#child.stdout }).on('line', (line) => this.#said(line));
  }

  /** The sources, without npm: quick to start. */
  static ofSources(environment: Readonly<Record<string, string>>, ...words: readonly string[]): GatewayProcess {
    const preload = path.join(__dirname, 'run-typescript.cjs');
    const main = path.join(ROOT, 'lib/cli/main.ts');
    return new GatewayProcess([process.execPath, '-r', preload, main, ...words], environment);
  }

  /** As the README says. */
  static byNpmStart(environment: Readonly<Record<string, string>>): GatewayProcess {
    return new GatewayProcess(['npm', 'start'], environment);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Waits for a line of the log. @throws Error when the process ends without it */
  async logged(message: string): Promise<LogLine> {
    return this.#until(message, () => this.log.find(({ msg }) => msg === message));
  }

  /** Waits for words to a person, which come by another pipe than the log. @throws Error when the process ends without them */
  async told(words: string): Promise<void> {
    await this.#until(words, () => this.errors.includes(words) || undefined);
  }

  /** Waits until it serves. @returns where */
  async listening(): Promise<string> {
    return String((await this.logged('listening')).url);
  }

  /** As Ctrl-C in its terminal: all of its group gets it. */
  interrupt(): void {
    process.kill(-this.pid, 'SIGINT');
  }

  /** To the process alone. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** All of its group at once, as by `kill -9`. */
  async kill(): Promise<void> {
    if (!this.#ended) process.kill(-this.pid, 'SIGKILL');
    await this.exit;
  }

  async #until<Found>(awaited: string, look: () => Found | undefined): Promise<Found> {
    const news = on(this.#news, 'news');
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (this.#ended) throw new Error(`it ended without "${awaited}":\n${this.output}${this.errors}`);
      await news.next();
    }
  }

  #said(line: string): void {
    this.output += `${line}\n`;
    // npm says what it runs before the log begins; what a command prints is not one line.
    if (line.startsWith('{"')) this.log.push(JSON.parse(line) as LogLine);
    this.#news.emit('news');
  }
}
