import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { CloudServers } from './cloud-servers';
import { CloudSession } from './cloud-session';

const SCRIPTS = path.resolve(__dirname, '../e2e/cloud');
const run = promisify(execFile);
const script = (name: string, ...words: readonly string[]) => run(path.join(SCRIPTS, name), words);

/** Where `cloud.sh` says that the cloud is. */
interface Place {
  readonly identityUrl: string;
  readonly computeUrl: string;
  readonly networkUrl: string;
  readonly amqpUrl: string;
}

/** Ids by name. */
type Ids = ReadonlyMap<string, string>;

/**
 * Starts a private OpenStack (`spec/e2e/cloud/cloud.sh`), without instances. It ends with this process, if not before.
 * @throws Error which says what is missing, or what does not start
 */
export async function startCloud(): Promise<Cloud> {
  // a session of its own: Ctrl-C is not to end what stops the others
  const child = spawn(path.join(SCRIPTS, 'cloud.sh'), ['run'], { detached: true });
  const place = await placeOf(child);
  // whoever forgets to stop it can end nevertheless
  child.unref();
  for (const pipe of child.stdio) if (pipe instanceof Socket) pipe.unref();
  try {
    const session = new CloudSession(place.identityUrl);
    const projects = idsByName(await session.ask('GET', `${place.identityUrl}/projects`));
    const networks = idsByName(await session.ask('GET', `${place.networkUrl}/v2.0/networks`));
    return new Cloud(place, session, child, projects, networks);
  } catch (error) {
    child.stdin.end();
    throw error;
  }
}

/**
 * A Nova with one host whose hypervisor only pretends, and what it needs. There are projects `alpha`, `beta`, `service` and `admin`;
 * users `alice` (member of alpha), `bob` (member of beta), `ron` (reader of alpha), `shared-filesystem` (role service in project
 * service), `nova` (service and admin there), `admin` (in project admin). The password of user NAME is `NAME-password`.
 */
export class Cloud extends CloudServers {
  /** Keystone, such as `http://127.0.0.1:17301/v3`. */
  readonly identityUrl: string;
  /** The bus that Nova tells of its instances, on exchange `nova`. */
  readonly amqpUrl: string;
  readonly #session: CloudSession;
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #projects: Ids;

  /** For `startCloud`. */
  constructor(
    place: Place,
    session: CloudSession,
    process: ChildProcessWithoutNullStreams,
    projects: Ids,
    networks: Ids,
  ) {
    super(session, place.computeUrl, { storage: idOf(networks, 'storage'), other: idOf(networks, 'other') });
    this.identityUrl = place.identityUrl;
    this.amqpUrl = place.amqpUrl;
    this.#session = session;
    this.#process = process;
    this.#projects = projects;
  }

  /** @throws Error when there is no such project */
  projectId(name: string): string {
    return idOf(this.#projects, name);
  }

  /** A token of user `admin` for project `admin`, with half an hour to go at least. */
  adminToken(): Promise<string> {
    return this.#session.adminToken();
  }

  /** A new token. @throws Error when the user has no role in the project */
  tokenOf(user: string, project: string): Promise<string> {
    return this.#session.tokenOf(user, project);
  }

  /**
   * Stops the bus in order: it keeps durable queues and persistent messages. What Nova is asked for then waits; what its parts asked
   * of each other can be lost, so that an instance stays as it is, with a task, until Nova is restarted.
   */
  async stopRabbit(): Promise<void> {
    await script('rabbitmq.sh', 'stop');
  }

  /** Resolves when Nova is back on the bus. */
  async startRabbit(): Promise<void> {
    await script('rabbitmq.sh', 'start');
    await script('nova.sh', 'wait');
  }

  /** Restarts Nova, and resolves when it works again. At first the format is `both`. */
  async setNotificationFormat(format: 'both' | 'versioned' | 'unversioned'): Promise<void> {
    await script('nova.sh', 'restart', format);
  }

  /** Stops everything; nothing of it remains. May be called twice. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    this.#process.ref();
    const ended = once(this.#process, 'exit');
    this.#process.stdin.end();
    await ended;
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
    child.once('close', () => reject(new Error(`The cloud does not start. ${errors}`)));
  });
}

/** @param content a body that has one list */
function idsByName(content: unknown): Ids {
  const list = Object.values(content as object).find(Array.isArray) as readonly { id: string; name: string }[];
  return new Map(list.map(({ id, name }) => [name, id]));
}

function idOf(ids: Ids, name: string): string {
  const id = ids.get(name);
  if (id === undefined) throw new Error(`the cloud has no ${name}, but ${[...ids.keys()].join(', ')}`);
  return id;
}
