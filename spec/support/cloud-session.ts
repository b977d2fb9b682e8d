/** Keystone's tokens live for an hour. */
const TOKEN_MILLISECONDS = 30 * 60_000;
/** While its bus is away Nova's API does not answer. */
const ANSWER_MILLISECONDS = 90_000;

/** Asks the services of a private OpenStack, by its administrator if nobody else is named. */
export class CloudSession {
  readonly #identityUrl: string;
  #admin: { readonly token: Promise<string>; readonly until: number } | null = null;

  constructor(identityUrl: string) {
    this.#identityUrl = identityUrl;
  }

  /** A token of user `admin` for project `admin`, with half an hour to go at least. */
  adminToken(): Promise<string> {
    if (!this.#admin || this.#admin.until < Date.now())
      this.#admin = { token: this.tokenOf('admin', 'admin'), until: Date.now() + TOKEN_MILLISECONDS };
    return this.#admin.token;
  }

  /** A new token. @throws Error when the user has no role in the project */
  async tokenOf(user: string, project: string): Promise<string> {
    const domain = { id: 'default' };
    const password = { user: { name: user, domain, password: `${user}-password` } };
    const auth = { identity: { methods: ['password'], password }, scope: { project: { name: project, domain } } };
    const url = `${this.#identityUrl}/auth/tokens`;
    const body = JSON.stringify({ auth });
    const answer = await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
    const token = answer.headers.get('X-Subject-Token');
    if (!token) throw new Error(`no token for ${user} in ${project}: ${answer.status} ${await answer.text()}`);
    return token;
  }

  /** @returns the answer's body; null when it is 404. @throws Error at every other refusal */
  async find(url: string): Promise<unknown> {
    const answer = await this.#send('GET', url);
    return answer.status === 404 ? null : contentOf(answer, url);
  }

  /** @returns the answer's body; null when it has none. @throws Error when it is a refusal */
  async ask(method: string, url: string, body?: object, token?: string): Promise<unknown> {
    return contentOf(await this.#send(method, url, body, token), `${method} ${url}`);
  }

  async #send(method: string, url: string, body?: object, token?: string): Promise<Response> {
    const headers = { 'Content-Type': 'application/json', 'X-Auth-Token': token ?? (await this.adminToken()) };
    const signal = AbortSignal.timeout(ANSWER_MILLISECONDS);
    return fetch(url, { method, headers, signal, ...(body && { body: JSON.stringify(body) }) });
  }
}

async function contentOf(answer: Response, request: string): Promise<unknown> {
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${request}: ${answer.status} ${text}`);
  return text === '' ? null : JSON.parse(text);
}
