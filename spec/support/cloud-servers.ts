import { setTimeout as wait } from 'node:timers/promises';
import type { CloudSession } from './cloud-session';

const POLL_MILLISECONDS = 100;
/** What Nova has not done by then it has not done. */
const DONE_MILLISECONDS = 90_000;
const FLAVOR = '1';
/** Any image is there. */
const IMAGE = '2b0bd9d4-3a0c-4f6f-9d0b-94bd8d1a8c1e';
/** Who creates the instances of a project. */
const MEMBERS = { alpha: 'alice', beta: 'bob' } as const;

/** What Nova says of an instance. */
export interface ServerState {
  /** Such as `ACTIVE`, `SHUTOFF`, `SOFT_DELETED`, `SHELVED_OFFLOADED`. */
  readonly status: string;
  /** What is being done to it, such as `deleting`; null: nothing. */
  readonly taskState: string | null;
  readonly addresses: readonly string[];
}

/** Something that Nova was asked for, and did. */
export interface CloudAction {
  /** The method of `CloudServers`, such as `createServer`. */
  readonly name: string;
  readonly serverId: string;
  readonly askedAt: Date;
  /** When Nova's API answered: for most actions before they have begun. */
  readonly answeredAt: Date;
  /** When it was seen that Nova says that it is done. */
  readonly doneAt: Date;
}

/** Whether an action is done, by the instance's state then; null: there is none. */
type IsDone = (state: ServerState | null) => boolean;

/** An answer's body, and its time. */
interface Timed {
  readonly content: unknown;
  readonly askedAt: Date;
  readonly answeredAt: Date;
}

/**
 * Nova's instances. What changes one resolves when Nova says that it is done.
 * @throws Error when Nova refuses, or has not done it in time: it tells the last state
 */
export class CloudServers {
  /** Such as `http://127.0.0.1:17302/v2.1`. */
  readonly computeUrl: string;
  /** Ids: `storage` is 10.20.0.0/16 and fd00:20::/64, `other` 10.30.0.0/16 and fd00:30::/64. */
  readonly networks: { readonly storage: string; readonly other: string };
  /** What was done, in the order in which it was done. */
  readonly actions: CloudAction[] = [];
  readonly #session: CloudSession;

  constructor(session: CloudSession, computeUrl: string, networks: CloudServers['networks']) {
    this.#session = session;
    this.computeUrl = computeUrl;
    this.networks = networks;
  }

  /** What Nova says now; null: it has no such instance. */
  async server(id: string): Promise<ServerState | null> {
    const found = (await this.#session.find(this.#url(id))) as { server: Record<string, unknown> } | null;
    if (found === null) return null;
    const addresses = Object.values(found.server.addresses as Record<string, { addr: string }[]>).flat();
    return {
      status: found.server.status as string,
      taskState: found.server['OS-EXT-STS:task_state'] as string | null,
      addresses: addresses.map(({ addr }) => addr),
    };
  }

  /** The addresses that Nova says now; null: it has no such instance. */
  async serverAddresses(id: string): Promise<readonly string[] | null> {
    return (await this.server(id))?.addresses ?? null;
  }

  /** On network `storage` or the one with the given id; with addresses that no instance had yet, or with the given one alone. */
  async createServer(
    project: keyof typeof MEMBERS,
    { network = this.networks.storage, address }: { readonly network?: string; readonly address?: string } = {},
  ): Promise<{ readonly id: string; readonly addresses: readonly string[] }> {
    const token = await this.#session.tokenOf(MEMBERS[project], project);
    const networks = [{ uuid: network, ...(address && { fixed_ip: address }) }];
    const server = { name: project, imageRef: IMAGE, flavorRef: FLAVOR, networks };
    const create = () => this.#session.ask('POST', `${this.computeUrl}/servers`, { server }, token);
    const asked = await timed(create);
    const { id } = (asked.content as { server: { id: string } }).server;
    const state = await this.#done('createServer', id, asked, is('ACTIVE'));
    return { id, addresses: state?.addresses ?? [] };
  }

  /** So that it can be restored: status SOFT_DELETED. One that is SHELVED_OFFLOADED is gone at once. */
  deleteServer(id: string): Promise<void> {
    const isDone: IsDone = (state) => state === null || is('SOFT_DELETED')(state);
    return this.#change('deleteServer', id, ['DELETE', this.#url(id)], isDone);
  }

  /** For good, whether it is SOFT_DELETED or not. */
  forceDeleteServer(id: string): Promise<void> {
    return this.#act('forceDeleteServer', id, { forceDelete: null }, (state) => state === null);
  }

  /** One that is SOFT_DELETED is ACTIVE again. */
  restoreServer(id: string): Promise<void> {
    return this.#act('restoreServer', id, { restore: null }, is('ACTIVE'));
  }

  /** Status SHUTOFF. */
  stopServer(id: string): Promise<void> {
    return this.#act('stopServer', id, { 'os-stop': null }, is('SHUTOFF'));
  }

  /** One that is SHUTOFF is ACTIVE again. */
  startServer(id: string): Promise<void> {
    return this.#act('startServer', id, { 'os-start': null }, is('ACTIVE'));
  }

  /** From the same image, with the same addresses. */
  rebuild(id: string): Promise<void> {
    return this.#act('rebuild', id, { rebuild: { imageRef: IMAGE } }, is('ACTIVE'));
  }

  /** Status SHELVED: it keeps its place on the host. */
  shelve(id: string): Promise<void> {
    return this.#act('shelve', id, { shelve: null }, is('SHELVED'));
  }

  /** One that is SHELVED is SHELVED_OFFLOADED: on no host. */
  shelveOffload(id: string): Promise<void> {
    return this.#act('shelveOffload', id, { shelveOffload: null }, is('SHELVED_OFFLOADED'));
  }

  /** One that is SHELVED or SHELVED_OFFLOADED is ACTIVE again. */
  unshelve(id: string): Promise<void> {
    return this.#act('unshelve', id, { unshelve: null }, is('ACTIVE'));
  }

  /** Status PAUSED. */
  pause(id: string): Promise<void> {
    return this.#act('pause', id, { pause: null }, is('PAUSED'));
  }

  /** One that is PAUSED is ACTIVE again. */
  unpause(id: string): Promise<void> {
    return this.#act('unpause', id, { unpause: null }, is('ACTIVE'));
  }

  /** Status SUSPENDED. */
  suspend(id: string): Promise<void> {
    return this.#act('suspend', id, { suspend: null }, is('SUSPENDED'));
  }

  /** One that is SUSPENDED is ACTIVE again. */
  resume(id: string): Promise<void> {
    return this.#act('resume', id, { resume: null }, is('ACTIVE'));
  }

  /** Status RESCUE. */
  rescue(id: string): Promise<void> {
    return this.#act('rescue', id, { rescue: null }, is('RESCUE'));
  }

  /** One that is in RESCUE is ACTIVE again. */
  unrescue(id: string): Promise<void> {
    return this.#act('unrescue', id, { unrescue: null }, is('ACTIVE'));
  }

  /** Adds a port on the network with the given id, with addresses that no instance had yet. */
  async attachInterface(
    id: string,
    networkId: string,
  ): Promise<{ readonly portId: string; readonly addresses: readonly string[] }> {
    const body = { interfaceAttachment: { net_id: networkId } };
    const asked = await timed(() => this.#session.ask('POST', `${this.#url(id)}/os-interface`, body));
    const port = portOf(asked.content);
    await this.#done('attachInterface', id, asked, (state) =>
      port.addresses.every((each) => state?.addresses.includes(each)),
    );
    return port;
  }

  /** Takes a port away, and its addresses. */
  async detachInterface(id: string, portId: string): Promise<void> {
    const url = `${this.#url(id)}/os-interface/${portId}`;
    const { addresses } = portOf(await this.#session.ask('GET', url));
    const isDone: IsDone = (state) => !addresses.some((each) => state?.addresses.includes(each));
    await this.#change('detachInterface', id, ['DELETE', url], isDone);
  }

  #url(id: string): string {
    return `${this.computeUrl}/servers/${id}`;
  }

  /** One of those requests that Nova calls actions. */
  #act(name: string, id: string, action: object, isDone: IsDone): Promise<void> {
    return this.#change(name, id, ['POST', `${this.#url(id)}/action`, action], isDone);
  }

  async #change(
    name: string,
    id: string,
    request: readonly [method: string, url: string, body?: object],
    isDone: IsDone,
  ): Promise<void> {
    await this.#done(name, id, await timed(() => this.#session.ask(...request)), isDone);
  }

  /** Waits until it is done, and notes it. */
  async #done(name: string, serverId: string, asked: Timed, isDone: IsDone): Promise<ServerState | null> {
    const { askedAt, answeredAt } = asked;
    for (const until = Date.now() + DONE_MILLISECONDS; ; await wait(POLL_MILLISECONDS)) {
      const state = await this.server(serverId);
      if (isDone(state)) {
        this.actions.push({ name, serverId, askedAt, answeredAt, doneAt: new Date() });
        return state;
      }
      if (state?.status === 'ERROR' || Date.now() > until)
        throw new Error(`${name} of ${serverId} is not done: Nova says ${JSON.stringify(state)}`);
    }
  }
}

async function timed(ask: () => Promise<unknown>): Promise<Timed> {
  const askedAt = new Date();
  const content = await ask();
  return { content, askedAt, answeredAt: new Date() };
}

/** It has the status, and nothing is being done to it. */
function is(status: string): IsDone {
  return (state) => state?.status === status && state.taskState === null;
}

function portOf(content: unknown): { readonly portId: string; readonly addresses: readonly string[] } {
  const { port_id, fixed_ips } = (
    content as { interfaceAttachment: { port_id: string; fixed_ips: readonly { ip_address: string }[] } }
  ).interfaceAttachment;
  return { portId: port_id, addresses: fixed_ips.map(({ ip_address }) => ip_address) };
}
