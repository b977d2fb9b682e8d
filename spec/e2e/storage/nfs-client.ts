import type { ChildProcess } from 'node:child_process';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { eventually } from '../../support/eventually';
import type { Place, StorageLab } from './lab';

const SOURCE = path.resolve(__dirname, 'nfs-probe.c');

/** A line of the probe; what stands in it is told at the head of nfs-probe.c. */
export interface ProbeLine {
  readonly event: string;
  readonly errno: number;
  readonly t: number;
  readonly text: string;
  readonly bytes: number;
  readonly uid: number;
  readonly totalBytes: number;
  readonly freeBytes: number;
  readonly writes: number;
  readonly reads: number;
  readonly stats: number;
  readonly failures: number;
  readonly longest: number;
  readonly records: number;
}

/** How many operations of each kind have succeeded, and how many have failed. */
export type Tally = Pick<ProbeLine, 'writes' | 'reads' | 'stats' | 'failures'>;

/** Who a client says that he is. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

export const ROOT: Account = { uid: 0, gid: 0 };
export const USER: Account = { uid: 1000, gid: 1000 };

/** NFS clients in the namespaces of a lab. */
export class NfsClients {
  readonly #program: string;

  private constructor(private readonly lab: StorageLab) {
    this.#program = path.join(lab.folder, 'nfs-probe');
  }

  /** Compiles the probe. */
  static async make(lab: StorageLab): Promise<NfsClients> {
    const clients = new NfsClients(lab);
    await promisify(execFile)('gcc', ['-O2', '-Wall', '-o', clients.#program, SOURCE, '-lnfs']);
    return clients;
  }

  /**
   * Mounts, does one thing, and ends.
   * @param location as an export location is, `10.99.0.1:/volumes/<id>`
   * @param command as nfs-probe.c has it, `['write', '/file', 'text']`
   * @param prefix a program and its arguments that run the probe
   * @returns the probe's lines, the last of them is what came of it
   */
  async run(
    place: Place,
    location: string,
    account: Account,
    command: readonly string[],
    prefix: readonly string[] = [],
  ): Promise<readonly ProbeLine[]> {
    const [program = this.#program, ...args] = [...prefix, this.#program, urlOf(location, account), ...command];
    const started = this.lab.start(place, [program, ...args]);
    const lines = linesOf(started);
    await once(started, 'close');
    return lines;
  }

  /** Mounts, and begins to write, read and stat without a pause. @throws Error when it may not mount, or make the file */
  async loop(place: Place, location: string, account: Account, file: string): Promise<NfsLoop> {
    const started = this.lab.start(place, [this.#program, urlOf(location, account), 'loop', file]);
    const loop = new NfsLoop(started);
    await loop.opened;
    return loop;
  }
}

/** A client that works on one open file all the time. */
export class NfsLoop {
  /** All that it has said. */
  readonly lines: readonly ProbeLine[];
  readonly opened: Promise<void>;
  #waiting: {
    readonly event: string;
    readonly resolve: (line: ProbeLine) => void;
    readonly reject: (error: Error) => void;
  }[] = [];

  constructor(private readonly started: ChildProcess) {
    this.lines = linesOf(started, (line) => {
      const waiting = this.#waiting.find(({ event }) => event === line.event);
      if (!waiting) return;
      this.#waiting = this.#waiting.filter((each) => each !== waiting);
      waiting.resolve(line);
    });
    started.once('close', () => {
      for (const { reject } of this.#waiting)
        reject(new Error(`the NFS client has ended: ${JSON.stringify(this.lines.at(-1))}`));
    });
    this.opened = this.#next('open').then(({ errno }) => {
      if (errno !== 0) throw new Error(`the NFS client cannot make its file: ${errno}`);
    });
  }

  /** What came of the operations since the mark before; those after it begin later than this was called. */
  async mark(): Promise<ProbeLine> {
    const line = this.#next('mark');
    this.started.stdin?.write('\n');
    return line;
  }

  /**
   * Counts what comes of the operations from the mark before on, until it is enough.
   * @param left tells what is not there yet; null: nothing
   */
  async tally(left: (sum: Tally) => string | null, milliseconds?: number): Promise<Tally> {
    let sum: Tally = { writes: 0, reads: 0, stats: 0, failures: 0 };
    await eventually(async () => {
      const { writes, reads, stats, failures } = await this.mark();
      sum = {
        writes: sum.writes + writes,
        reads: sum.reads + reads,
        stats: sum.stats + stats,
        failures: sum.failures + failures,
      };
      return left(sum);
    }, milliseconds);
    return sum;
  }

  /** The next change of an operation from success to failure, or back. */
  async change(event: 'write' | 'read' | 'stat'): Promise<ProbeLine> {
    return this.#next(event);
  }

  /** Ends it. */
  async end(): Promise<ProbeLine> {
    const line = this.#next('end');
    this.started.stdin?.end();
    return line;
  }

  async #next(event: string): Promise<ProbeLine> {
    return new Promise((resolve, reject) => this.#waiting.push({ event, resolve, reject }));
  }
}

function urlOf(location: string, { uid, gid }: Account): string {
  const [, host, exported] = /^(.*):(\/[^:]*)$/.exec(location) ?? [];
  return `nfs://${host}${exported}?version=4&uid=${uid}&gid=${gid}`;
}

/** Grows while the probe runs. */
function linesOf(started: ChildProcess, told: (line: ProbeLine) => void = () => undefined): readonly ProbeLine[] {
  const lines: ProbeLine[] = [];
  if (!started.stdout) throw new Error('the NFS client has no output');
  createInterface({ input: started.stdout }).on('line', (text) => {
    const line = JSON.parse(text) as ProbeLine;
    lines.push(line);
    told(line);
  });
  started.stderr?.resume();
  return lines;
}
