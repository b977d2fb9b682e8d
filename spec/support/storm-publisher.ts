import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as path from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Published, PublisherOptions } from './storm-publisher-process';

/** Sends a storm from a process of its own. */
export class StormPublisher {
  readonly #child: ChildProcess;
  readonly #lines: Interface;

  private constructor(options: PublisherOptions) {
    const words = [
      '-r',
      path.join(__dirname, 'run-typescript.cjs'),
      path.join(__dirname, 'storm-publisher-process.ts'),
    ];
    const child = spawn(process.execPath, [...words, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout });
  }

  /** Resolves when it is connected. */
  static async start(options: PublisherOptions): Promise<StormPublisher> {
    const publisher = new StormPublisher(options);
    await publisher.#answer();
    return publisher;
  }

  /** Sends the next part: first what is there before the storm, then the storm. Resolves when the broker has all of it. */
  async publish(): Promise<Published> {
    this.#child.stdin?.write('next\n');
    return this.#answer();
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await exit;
  }

  async #answer(): Promise<Published> {
    const ended = once(this.#child, 'exit').then(() => {
      throw new Error('the publisher has ended');
    });
    const [line] = await Promise.race([once(this.#lines, 'line'), ended]);
    return JSON.parse(String(line)) as Published;
  }
}
