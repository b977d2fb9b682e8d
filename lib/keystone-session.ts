import { untilAborted } from './deadline';
import { fieldOf, isJsonObject } from './json';
import { askJson } from './json-request';
import type { Clock } from './ports/clock';

/** Who logs in, and into which project. */
export type KeystoneLogin =
  | {
      readonly kind: 'password';
      readonly username: string;
      readonly password: string;
      readonly userDomainName: string;
      readonly projectName: string;
      readonly projectDomainName: string;
    }
  | { readonly kind: 'application-credential'; readonly id: string; readonly secret: string };

/** What requests are sent with. */
export interface KeystoneToken {
  readonly text: string;
  /** The id of the project that it is for. */
  readonly projectId: string;
}

interface Held extends KeystoneToken {
  /** By `Clock.monotonic`: what Keystone's clock says does not matter. */
  readonly until: number;
}

/** A token is renewed so long before it ends, or after half of its time where that is shorter. */
const MARGIN_MILLISECONDS = 60_000;

/** A user's token for one project, renewed in time. Password, token and Keystone's own words never stand in what is thrown. */
export class KeystoneSession {
  #held: Held | null = null;
  #login: Promise<Held> | null = null;

  /** @param url of version 3, `http://keystone:5000/v3` */
  constructor(
    private readonly url: string,
    private readonly login: KeystoneLogin,
    private readonly clock: Pick<Clock, 'monotonic'>,
  ) {}

  /** One that is good for a while. @throws Error when there is none to be had */
  async token(signal: AbortSignal): Promise<KeystoneToken> {
    signal.throwIfAborted();
    if (this.#held !== null && this.clock.monotonic() < this.#held.until) return this.#held;
    // it belongs to all who share it: nobody's signal ends it, its own time does
    this.#login ??= this.#logIn().finally(() => {
      this.#login = null;
    });
    return untilAborted(this.#login, signal);
  }

  /** It was not accepted: the next one is new. */
  distrust({ text }: KeystoneToken): void {
    if (this.#held?.text === text) this.#held = null;
  }

  async #logIn(): Promise<Held> {
    const begun = this.clock.monotonic();
    const { status, headers, body } = await askJson(
      {
        service: 'Keystone',
        method: 'POST',
        url: `${this.url}/auth/tokens?nocatalog`,
        headers: {},
        body: { auth: authOf(this.login) },
      },
      new AbortController().signal,
    );
    if (status === 401)
      throw new Error('Keystone does not accept the credentials (401): check them, the project, and its roles.');
    if (status !== 201) throw new Error(`Keystone answers ${status} to the log-in.`);
    const text = headers.get('x-subject-token');
    const facts = isJsonObject(body) ? fieldOf(body, 'token') : undefined;
    const project = isJsonObject(facts) ? fieldOf(facts, 'project') : undefined;
    const projectId = isJsonObject(project) ? fieldOf(project, 'id') : undefined;
    const lifetime = isJsonObject(facts)
      ? Date.parse(String(fieldOf(facts, 'expires_at'))) - Date.parse(String(fieldOf(facts, 'issued_at')))
      : Number.NaN;
    if (text === null || !/^[\x21-\x7e]+$/.test(text) || typeof projectId !== 'string' || !(lifetime > 0))
      throw new Error('What Keystone answers is no token for a project: its URL may be that of something else.');
    this.#held = { text, projectId, until: begun + lifetime - Math.min(MARGIN_MILLISECONDS, lifetime / 2) };
    return this.#held;
  }
}

function authOf(login: KeystoneLogin): object {
  switch (login.kind) {
    case 'password': {
      const { username, password, userDomainName, projectName, projectDomainName } = login;
      const user = { name: username, password, domain: { name: userDomainName } };
      return {
        identity: { methods: ['password'], password: { user } },
        scope: { project: { name: projectName, domain: { name: projectDomainName } } },
      };
    }
    case 'application-credential': {
      const { id, secret } = login;
      return { identity: { methods: ['application_credential'], application_credential: { id, secret } } };
    }
  }
}
