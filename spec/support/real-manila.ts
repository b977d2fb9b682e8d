import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { CloudSession } from './cloud-session';

const SCRIPT = path.resolve(__dirname, '../e2e/manila/manila.sh');
const POLL_MILLISECONDS = 200;
const READY_MILLISECONDS = 120_000;

/** Where `manila.sh` says that it is. */
interface Place {
  readonly identityUrl: string;
  readonly shareUrl: string;
}

/**
 * Starts a private Manila with its dummy driver (`spec/e2e/manila/manila.sh`), without shares, and with share type `default`.
 * It ends with this process, if not before.
 * @throws Error which says what is missing, or what does not start
 */
export async function startManila(): Promise<RealManila> {
  // a session of its own: Ctrl-C is not to end what stops the others
  const child = spawn(SCRIPT, ['run'], { detached: true });
  const place = await placeOf(child);
  child.unref();
  for (const pipe of child.stdio) if (pipe instanceof Socket) pipe.unref();
  const manila = new RealManila(place, child);
  try {
    await manila.makeReady();
    return manila;
  } catch (error) {
    await manila.stop();
    throw error;
  }
}

/** Shares belong to project `alpha`, of which user `alice` is a member and no more. The password of user NAME is `NAME-password`. */
export class RealManila {
  readonly identityUrl: string;
  readonly shareUrl: string;
  readonly #session: CloudSession;
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #tokens = new Map<string, Promise<string>>();

  constructor({ identityUrl, shareUrl }: Place, process: ChildProcessWithoutNullStreams) {
    this.identityUrl = identityUrl;
    this.shareUrl = shareUrl;
    this.#session = new CloudSession(identityUrl);
    this.#process = process;
  }

  /** Makes the share type, and waits for the scheduler to know a pool: without one a share is an error at once. */
  async makeReady(): Promise<void> {
    const share_type = { name: 'default', extra_specs: { driver_handles_share_servers: 'False' } };
    await this.#ask('admin', 'admin', 'POST', '/types', { share_type });
    for (const until = Date.now() + READY_MILLISECONDS; ; await wait(POLL_MILLISECONDS)) {
      const { pools } = (await this.#ask('admin', 'admin', 'GET', '/scheduler-stats/pools')) as { pools: unknown[] };
      if (pools.length > 0) return;
      if (Date.now() > until) throw new Error('the scheduler of Manila knows no pool');
    }
  }

  /** As the service's own user. */
  async ask(method: string, where: string, body?: object): Promise<unknown> {
    return this.#ask('alice', 'alpha', method, where, body);
  }

  /** As a member of another project. */
  async askAsStranger(method: string, where: string, body?: object): Promise<unknown> {
    return this.#ask('bob', 'beta', method, where, body);
  }

  /** Stops everything; nothing of it remains. May be called twice. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    this.#process.ref();
    const ended = once(this.#process, 'exit');
    this.#process.stdin.end();
    await ended;
  }

  async #ask(user: string, project: string, method: string, where: string, body?: object): Promise<unknown> {
    const token = this.#tokens.get(user) ?? this.#session.tokenOf(user, project);
    this.#tokens.set(user, token);
    const headers = {
      'Content-Type': 'application/json',
      'X-Auth-Token': await token,
      'X-OpenStack-Manila-API-Version': '2.60',
    };
    const answer = await fetch(this.shareUrl + where, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${where}: ${answer.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  }
}

/** Waits until it runs, and says where. @throws Error with its own words when it ends before */
function placeOf(child: ChildProcessWithoutNullStreams): Promise<Place> {
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk;
  });
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) => resolve(JSON.parse(line) as Place));
    child.once('error', reject);
    child.once('close', () => reject(new Error(`Manila does not start. ${errors}`)));
  });
}
