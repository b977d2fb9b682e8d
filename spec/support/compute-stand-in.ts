import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { type ComputeState, EMPTY_CLOUD } from './compute/state';

/** A Compute API of its own process. What it knows, and how it behaves, can be replaced at any time. */
export class ComputeStandIn {
  #state = EMPTY_CLOUD;
  #child: ChildProcess | null = null;
  #port = 0;
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'compute-stand-in-'));

  /** It has to be started. */
  constructor(state: Partial<ComputeState> = {}) {
    this.replace(state);
  }

  /** With its version, as `COMPUTE_URL` has it. The same after another start. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}/v2.1`;
  }

  get state(): ComputeState {
    return this.#state;
  }

  /** Starts it, again after `kill` or `stop`. Resolves when it listens. */
  async start(): Promise<void> {
    const preload = path.join(__dirname, 'run-typescript.cjs');
    const program = path.join(__dirname, 'compute-stand-in-process.ts');
    const words = ['-r', preload, program, this.#file, String(this.#port)];
    const child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child = child;
    const [line] = await once(createInterface({ input: child.stdout }), 'line');
    this.#port = (JSON.parse(String(line)) as { port: number }).port;
  }

  /** Changes parts of its state; the next request meets it. */
  set(change: Partial<ComputeState>): void {
    this.#state = { ...this.#state, ...change };
    this.#write();
  }

  /** As a new one: what is not said is as it is by default. */
  replace(state: Partial<ComputeState>): void {
    this.#state = { ...EMPTY_CLOUD, ...state };
    this.#write();
  }

  /** How many requests it had since its start, by the pattern of their path. */
  async requests(): Promise<Readonly<Record<string, number>>> {
    const answer = await fetch(`http://127.0.0.1:${this.#port}/_requests`);
    return (await answer.json()) as Record<string, number>;
  }

  /** Ends it at once, as `kill -9` does; the port is free then, and its file stays. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }

  /** Ends it for good. */
  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #file(): string {
    return path.join(this.#folder, 'state.json');
  }

  /** In one step: never is half a file there. */
  #write(): void {
    writeFileSync(`${this.#file}.new`, JSON.stringify(this.#state));
    renameSync(`${this.#file}.new`, this.#file);
  }
}
