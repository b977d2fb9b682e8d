import { fieldOf, isJsonObject } from '../../json';
import { askJson, type JsonAnswer } from '../../json-request';
import type { KeystoneSession } from '../../keystone-session';
import { TerminalError } from '../../ports/driver';

/** What is asked of Manila. */
export interface ManilaRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With its query, a slash in front. */
  readonly path: string;
  readonly body?: unknown;
  /** Statuses that are no failure; 200 by default. */
  readonly prepared?: readonly number[];
}

/** What Manila answers to what it is prepared for. */
export interface ManilaAnswer {
  readonly status: number;
  /** Undefined: it is no JSON. */
  readonly body: unknown;
}

/** Manila refuses what it was asked. */
export class ManilaRefused extends Error {
  override readonly name = 'ManilaRefused';

  /** @param reason Manila's own words, of one line */
  constructor(
    readonly status: number,
    readonly reason: string,
    what: string,
  ) {
    super(`Manila answers ${status} to ${what}: ${reason}`);
  }
}

/** Manila's API, version 2, in the name of one user and project. Tokens never stand in what is thrown. */
export class ManilaApi {
  /**
   * @param url of the endpoint, without a slash at its end; with the project's id where Manila is older than 2.60
   * @param microversion such as `2.60`
   */
  constructor(
    private readonly url: string,
    private readonly microversion: string,
    private readonly session: KeystoneSession,
  ) {}

  /** The id of the project that it works in. */
  async projectId(signal: AbortSignal): Promise<string> {
    return (await this.session.token(signal)).projectId;
  }

  /** @throws ManilaRefused, TerminalError, OutOfReach; the signal's reason when it aborts */
  async ask(request: ManilaRequest, signal: AbortSignal): Promise<ManilaAnswer> {
    const { method, path, prepared = [200] } = request;
    const { status, body } = await this.#authenticated(request, signal);
    if (prepared.includes(status)) return { status, body };
    if (status === 406)
      throw new TerminalError(`Manila does not serve microversion ${this.microversion}: set another "microversion".`);
    const [plain = ''] = path.split('?');
    throw new ManilaRefused(status, reasonIn(body), `${method} ${plain}`);
  }

  /** A token can end before its time: one that is not accepted is renewed, once. */
  async #authenticated(request: ManilaRequest, signal: AbortSignal): Promise<JsonAnswer> {
    const token = await this.session.token(signal);
    const answer = await this.#send(request, token.text, signal);
    if (answer.status !== 401) return answer;
    this.session.distrust(token);
    return this.#send(request, (await this.session.token(signal)).text, signal);
  }

  async #send({ method, path, body }: ManilaRequest, token: string, signal: AbortSignal): Promise<JsonAnswer> {
    const headers = { 'X-Auth-Token': token, 'X-OpenStack-Manila-API-Version': this.microversion };
    return askJson({ service: 'Manila', method, url: this.url + path, headers, body }, signal);
  }
}

/** What is thrown for an answer that is not Manila's. It never holds what was answered. */
export function unreadable(): Error {
  return new Error('What Manila answers cannot be read: "url" may be that of something else.');
}

/** Whether it is Manila's own fault of what it does not have, and not a proxy's 404 or that of a wrong URL. */
export function saysAbsent(body: unknown): boolean {
  const fault = isJsonObject(body) ? fieldOf(body, 'itemNotFound') : undefined;
  return isJsonObject(fault) && fieldOf(fault, 'code') === 404;
}

/** Faults are an object within an object, `{"badRequest": {"code": 400, "message": "…"}}`. */
function reasonIn(body: unknown): string {
  const fault = isJsonObject(body) ? Object.values(body)[0] : undefined;
  const message = isJsonObject(fault) ? fieldOf(fault, 'message') : undefined;
  return typeof message === 'string' ? message.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, 300) : 'no reason is given';
}
