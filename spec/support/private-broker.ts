import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { connect } from 'amqplib';

const SCRIPT = path.resolve(__dirname, '../e2e/cloud/rabbitmq.sh');
/** Ends the broker with its own input, so that nothing is left behind by a spec that was killed. */
const GUARD = `
mkdir -p "$CLOUD_DIR/run/log" "$CLOUD_DIR/run/launched"
[ "$(id -u)" -ne 0 ] || chown nobody:nogroup "$CLOUD_DIR/run"
if "$0" start; then echo started; cat >/dev/null; fi
"$0" kill`;

/** Of the ports behind `CLOUD_PORT` these are the broker's (spec/e2e/cloud/environment.sh). */
const PORTS = { amqp: 6, erlang: 7, epmd: 8 };
/** Below those that the system gives away. */
const FIRST_PORT = 20_000;
const LAST_PORT = 30_000;

/** A RabbitMQ of a spec's own, which can be stopped and started again. */
export class PrivateBroker {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'broker-'));
  #port = 0;
  #guard: ChildProcess | null = null;

  /** As `AMQP_URL` has it. */
  get url(): string {
    return `amqp://guest:guest@127.0.0.1:${this.#port + PORTS.amqp}`;
  }

  /** Makes it, and resolves when it takes connections. */
  async make(): Promise<void> {
    chmodSync(this.#folder, 0o755); // its account is not ours
    this.#port = await freePort();
    const guard = spawn('bash', ['-c', GUARD, SCRIPT], { env: this.#environment, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#guard = guard;
    const ended = once(guard, 'exit').then(() => {
      throw new Error('the broker did not start');
    });
    await Promise.race([once(createInterface({ input: guard.stdout }), 'line'), ended]);
  }

  /** In order: durable queues and persistent messages are kept, exchanges that are not durable are gone. */
  async stop(): Promise<void> {
    await promisify(execFile)(SCRIPT, ['stop'], { env: this.#environment });
  }

  /** Resolves when it takes connections again. */
  async start(): Promise<void> {
    await promisify(execFile)(SCRIPT, ['start'], { env: this.#environment });
  }

  /** Drops what waits in a queue, as when it has waited for longer than messages live. */
  async purge(queue: string): Promise<void> {
    const connection = await connect(this.url);
    const channel = await connection.createChannel();
    await channel.purgeQueue(queue);
    await connection.close();
  }

  /** Ends it for good. */
  async remove(): Promise<void> {
    const guard = this.#guard;
    if (guard && guard.exitCode === null) {
      const exit = once(guard, 'exit');
      guard.stdin?.end();
      await exit;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #environment(): NodeJS.ProcessEnv {
    return { ...process.env, CLOUD_DIR: this.#folder, CLOUD_PORT: String(this.#port) };
  }
}

async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    const areFree = await Promise.all(Object.values(PORTS).map((each) => isFree(port + each)));
    if (areFree.every(Boolean)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
      .once('error', () => resolve(false))
      .listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
