import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A share of the stand-in. Specs may change it, as a hand or an accident does. */
export interface StandInShare {
  readonly id: string;
  project_id: string;
  size: number;
  status: string;
  readonly created_at: string;
  readonly name: string;
  readonly share_type: string;
  readonly share_proto: string;
  metadata: Record<string, string>;
  /** What it becomes, when somebody has looked at it so often. */
  next: { status: string; size: number; looks: number } | null;
}

/** An access rule of the stand-in. */
export interface StandInRule {
  readonly id: string;
  readonly share: string;
  readonly access_type: string;
  readonly access_to: string;
  readonly access_level: string;
  state: string;
  looks: number;
}

/** `answered`: it has been. `lost`: it is done, and the answer never comes. `none`: it is answered as always. */
type Trouble = 'answered' | 'lost' | 'none';

interface Fault {
  readonly method: string;
  readonly path: RegExp;
  act(request: IncomingMessage, response: ServerResponse): Trouble | Promise<Trouble>;
}

interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

const PROJECT = '44ca549f4267462384b4e57243c81fa0';
const ok = (body: unknown): Answer => ({ status: 200, body });
const fault = (status: number, name: string, message: string): Answer => ({
  status,
  body: { [name]: { code: status, message } },
});
const absent = () => fault(404, 'itemNotFound', 'The resource could not be found.');
const accepted = (): Answer => ({ status: 202 });

/**
 * As much of Keystone and Manila 15.1 as the driver asks for, as the real ones answer. What is asked for is done when it was
 * looked at `lag` times. Like the real one it makes an error of all rules that it works on together when one of them fails.
 */
export class ManilaStandIn {
  readonly shares = new Map<string, StandInShare>();
  rules: StandInRule[] = [];
  markers: { id: string; name: string; description: string; created_at: string }[] = [];
  /** Every request, `GET /shares/detail`, without its query. */
  readonly requests: string[] = [];
  /** Bodies of all log-ins. */
  readonly logins: unknown[] = [];
  readonly tokens = new Set<string>();
  /** How often it must be looked at something until it is done. */
  lag = 1;
  /** Whom its storage refuses. */
  readonly poison = new Set<string>();
  /** Rules that its storage does not give up. */
  readonly sticky = new Set<string>();
  /** Rules that it says to be queued, and never applies. */
  readonly hanging = new Set<string>();
  /** What it answers in place of doing it; null: it does it. */
  refuses: (verb: 'allow_access' | 'deny_access', to: string) => number | null = () => null;
  /** Data on a share, GiB, below which it does not shrink. */
  readonly used = new Map<string, number>();
  tokenSeconds = 3_600;
  /** Whether shares fail while they are made. */
  cannotCreate = false;
  largestSize = 100;
  /** Rows of a page at most. */
  largestPage = 1_000;
  /** Of administrators alone; null: refused. */
  pools: unknown[] | null = null;
  /** All rules that were active at once, of all shares, after each change. */
  readonly history: (readonly string[])[] = [];
  readonly #faults: Fault[] = [];
  readonly #server: Server = createServer((request, response) => void this.#serve(request, response));
  #made = 0;

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Does this with the next such request. */
  once(method: string, path: RegExp, act: Fault['act']): void {
    this.#faults.push({ method, path, act });
  }

  /** What is said to be let in of a share, in the order in which it came. */
  active(share: string): readonly string[] {
    return this.rules.filter((each) => each.share === share && each.state === 'active').map((each) => each.access_to);
  }

  /** Makes a rule by hand. */
  addRule(share: string, access_type: string, access_to: string, access_level = 'rw', state = 'active'): void {
    this.rules.push({ id: randomUUID(), share, access_type, access_to, access_level, state, looks: 0 });
  }

  /** Makes a share by hand. */
  addShare(said: Partial<StandInShare>): StandInShare {
    const share: StandInShare = {
      id: randomUUID(),
      project_id: PROJECT,
      size: 1,
      status: 'available',
      created_at: this.#moment(),
      name: '',
      share_type: 'default',
      share_proto: 'NFS',
      metadata: {},
      next: null,
      ...said,
    };
    this.shares.set(share.id, share);
    return share;
  }

  /** A later one each time. */
  #moment(): string {
    this.#made += 1;
    return new Date(Date.UTC(2026, 10, 24) + this.#made).toISOString().slice(0, -1);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', this.url);
    let text = '';
    for await (const chunk of request) text += String(chunk);
    this.requests.push(`${request.method} ${url.pathname}`);
    const index = this.#faults.findIndex((each) => each.method === request.method && each.path.test(url.pathname));
    const [trouble] = index < 0 ? [] : this.#faults.splice(index, 1);
    const came = (await trouble?.act(request, response)) ?? 'none';
    if (came === 'answered') return;
    const body = text === '' ? undefined : (JSON.parse(text) as Record<string, Record<string, unknown>>);
    if (url.pathname === '/v3/auth/tokens') return this.#logIn(body, response);
    const answer = this.tokens.has(String(request.headers['x-auth-token']))
      ? this.#answer(request, url, body ?? {})
      : fault(401, 'error', 'The request you have made requires authentication.');
    if (came === 'lost') return void request.socket.destroy();
    response.writeHead(answer.status, { 'Content-Type': 'application/json' });
    response.end(answer.body === undefined ? '' : JSON.stringify(answer.body));
  }

  #logIn(body: unknown, response: ServerResponse): void {
    this.logins.push(body);
    const token = `gAAAAA${randomUUID()}`;
    this.tokens.add(token);
    const issued = Date.now() + 86_400_000; // its clock is another
    response.writeHead(201, { 'Content-Type': 'application/json', 'X-Subject-Token': token });
    const times = {
      issued_at: new Date(issued).toISOString(),
      expires_at: new Date(issued + this.tokenSeconds * 1_000).toISOString(),
    };
    response.end(JSON.stringify({ token: { ...times, project: { id: PROJECT, name: 'storage' } } }));
  }

  #answer(request: IncomingMessage, url: URL, body: Record<string, Record<string, unknown>>): Answer {
    if (!/^2\.(4[5-9]|[56]\d|7[0-3])$/.test(String(request.headers['x-openstack-manila-api-version'])))
      return fault(406, 'computeFault', 'Version is not supported by the API.');
    const [, , kind = '', id = '', part = ''] = url.pathname.split('/');
    const route = `${request.method} ${kind}`;
    switch (route) {
      case 'GET types':
        return ok({ share_types: [{ id: '38ea90d6-9055-474c-bf80-2a2a6b4fb4fc', name: 'default' }] });
      case 'GET scheduler-stats':
        return this.pools === null ? fault(403, 'forbidden', 'Access was denied.') : ok({ pools: this.pools });
      case 'GET security-services':
        return ok({ security_services: this.markers.filter(({ name }) => name === url.searchParams.get('name')) });
      case 'POST security-services':
        return this.#mark(body.security_service ?? {});
      case 'DELETE security-services':
        this.markers = this.markers.filter((each) => each.id !== id);
        return accepted();
      case 'GET share-access-rules':
        return this.#listRules(url.searchParams.get('share_id') ?? '');
      case 'GET shares':
        return id === 'detail' ? this.#list(url.searchParams) : this.#show(id, part);
      case 'POST shares':
        return id === '' ? this.#create(body.share ?? {}) : this.#change(id, part, body);
      case 'DELETE shares':
        return this.#delete(id);
      default:
        return absent();
    }
  }

  #mark(said: Record<string, unknown>): Answer {
    const made = {
      id: randomUUID(),
      name: String(said.name),
      description: String(said.description),
      created_at: this.#moment(),
    };
    this.markers.push(made);
    return ok({ security_service: made });
  }

  #list(query: URLSearchParams): Answer {
    const wanted = Object.entries(JSON.parse(query.get('metadata') ?? '{}') as Record<string, string>);
    const offset = Number(query.get('offset'));
    const limit = Math.min(Number(query.get('limit')), this.largestPage);
    const found = [...this.shares.values()].filter(({ metadata }) =>
      wanted.every(([key, value]) => metadata[key] === value),
    );
    return ok({ shares: found.slice(offset, offset + limit) });
  }

  #show(id: string, part: string): Answer {
    const share = this.shares.get(id);
    if (!share) return absent();
    if (part === 'export_locations') {
      const path = `:/path/to/fake/share/share_${id.replaceAll('-', '_')}`;
      const locations = [
        { id: randomUUID(), path: `10.0.0.20${path}`, preferred: false },
        { id: randomUUID(), path: `10.0.0.10${path}`, preferred: true },
      ];
      return ok({ export_locations: locations });
    }
    if (share.next) share.next.looks -= 1;
    if (share.next && share.next.looks <= 0) {
      const { status, size } = share.next;
      Object.assign(share, { status, size, next: null });
      if (status === 'deleted') {
        this.shares.delete(id);
        return absent();
      }
    }
    return ok({ share });
  }

  #create(said: Record<string, unknown>): Answer {
    if (Number(said.size) > this.largestSize)
      return fault(413, 'overLimit', 'ShareSizeExceedsLimit: larger than maximum allowed limit.');
    const share = this.addShare({
      size: Number(said.size),
      status: 'creating',
      name: String(said.name),
      share_type: String(said.share_type),
      share_proto: String(said.share_proto),
      metadata: { ...(said.metadata as Record<string, string>) },
    });
    share.next = { status: this.cannotCreate ? 'error' : 'available', size: share.size, looks: this.lag };
    return ok({ share });
  }

  #change(id: string, part: string, body: Record<string, Record<string, unknown>>): Answer {
    const share = this.shares.get(id);
    if (!share) return absent();
    if (part === 'metadata') {
      const metadata = body.metadata as Record<string, string>;
      if (Object.values(metadata).some((each) => typeof each !== 'string' || each === '' || each.length > 1_023))
        return fault(400, 'badRequest', 'Invalid metadata.');
      Object.assign(share.metadata, metadata);
      return ok({ metadata: share.metadata });
    }
    const [verb = '', said = {}] = Object.entries(body)[0] ?? [];
    if (verb === 'extend' || verb === 'shrink') return this.#resize(share, verb, Number(said.new_size));
    return this.#changeAccess(share, verb, said);
  }

  #changeAccess({ id, status }: StandInShare, verb: string, said: Record<string, unknown>): Answer {
    if (status.endsWith('ing') || status === 'error')
      return fault(400, 'badRequest', 'Access rules cannot be changed: it is in an invalid state.');
    const rule = this.rules.find((each) => each.id === said.access_id);
    const isAllow = verb === 'allow_access';
    if (!isAllow && !rule) return absent();
    const refusal = this.refuses(isAllow ? verb : 'deny_access', rule?.access_to ?? String(said.access_to));
    if (refusal !== null) return fault(refusal, 'fault', 'It is not done.');
    if (isAllow || !rule) return this.#allow(id, said);
    Object.assign(rule, { state: 'queued_to_deny', looks: this.lag });
    return accepted();
  }

  #resize(share: StandInShare, verb: 'extend' | 'shrink', size: number): Answer {
    if (share.status !== 'available') return fault(400, 'badRequest', 'Invalid share: it must be available.');
    if (size > this.largestSize) return fault(413, 'overLimit', 'ShareSizeExceedsLimit: larger than maximum allowed.');
    share.status = `${verb}ing`;
    const isRefused = size < (this.used.get(share.id) ?? 0);
    share.next = { status: 'available', size: isRefused ? share.size : size, looks: this.lag };
    return accepted();
  }

  #allow(share: string, { access_type, access_to, access_level }: Record<string, unknown>): Answer {
    const to = String(access_to);
    if (this.rules.some((each) => each.share === share && each.access_to.replace(/\/(32|128)$/, '') === to))
      return fault(400, 'badRequest', `Share access ip:${to} exists.`);
    this.addRule(share, String(access_type), to, String(access_level), 'queued_to_apply');
    const rule = this.rules.at(-1);
    if (rule) rule.looks = this.lag;
    return ok({ access: rule });
  }

  #delete(id: string): Answer {
    const share = this.shares.get(id);
    if (!share) return absent();
    share.status = 'deleting';
    share.next = { status: 'deleted', size: share.size, looks: this.lag };
    return accepted();
  }

  #listRules(share: string): Answer {
    if (!this.shares.has(share)) return fault(400, 'badRequest', `Share ${share} not found.`);
    const own = () => this.rules.filter((each) => each.share === share);
    const isHanging = ({ access_to, state }: StandInRule) => state === 'queued_to_apply' && this.hanging.has(access_to);
    const queued = own().filter((each) => each.state.startsWith('queued') && !isHanging(each));
    for (const rule of queued) rule.looks -= 1;
    const batch = queued.filter(({ looks }) => looks < 0);
    const fails = batch.some(({ access_to, state }) =>
      (state === 'queued_to_apply' ? this.poison : this.sticky).has(access_to),
    );
    for (const rule of batch) rule.state = fails ? 'error' : rule.state === 'queued_to_apply' ? 'active' : 'gone';
    this.rules = this.rules.filter(({ state }) => state !== 'gone');
    if (batch.length > 0) this.history.push(this.active(share));
    return ok({ access_list: own() });
  }
}
