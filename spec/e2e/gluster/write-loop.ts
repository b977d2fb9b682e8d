import type { ChildProcess } from 'node:child_process';
import * as path from 'node:path';
import type { Namespace } from './namespace';

const PROGRAM = path.join(__dirname, 'write-for-ever.mjs');

/** An operation of a client: when it was begun, in milliseconds since 1970, and `ok` or an error's code. */
export interface Operation {
  readonly begun: number;
  readonly outcome: string;
}

/** A client that writes all the time to a file that it keeps open. */
export class WriteLoop {
  readonly operations: Operation[] = [];
  readonly #process: ChildProcess;

  constructor(namespace: Namespace, file: string) {
    this.#process = namespace.start(process.execPath, PROGRAM, file);
    let rest = '';
    this.#process.stdout?.on('data', (each) => {
      const lines = (rest + String(each)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const [begun, outcome = ''] = line.split(' ');
        this.operations.push({ begun: Number(begun), outcome });
      }
    });
  }

  /** How many were begun after that moment and have come to this. */
  after(since: number, outcome: 'ok' | 'failed'): number {
    return this.operations.filter((each) => each.begun > since && (each.outcome === 'ok') === (outcome === 'ok'))
      .length;
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGKILL');
    await ended;
  }
}

/** Now, by the clock that operations are told in. */
export function moment(): number {
  return performance.timeOrigin + performance.now();
}
