import { readBounded } from '../bounded-body';
import { withDeadline } from '../deadline';
import { Unavailable } from '../domain/errors';
import { parseJson } from '../json';
import type { Clock } from '../ports/clock';
import { outOfReach, refused, unfinished } from './compute-troubles';
import { parseComputeUrl } from './compute-url';

/** Where the Compute API is, and who asks it. */
export interface ComputeAccess {
  /** Of a version, such as `http://nova:8774/v2.1`; a slash at its end is tolerated. */
  readonly url: string;
  /** Asked before every request. Its rejection is Unavailable to the caller, its words are told to nobody. */
  readonly token: () => Promise<string>;
  readonly clock: Clock;
}

/** What is asked of Compute. */
export interface Question {
  /** With its query, a slash in front. */
  readonly path: string;
  /** How long the answer is waited for, milliseconds. */
  readonly patience: number;
  /** Statuses besides 200 that are no failure. */
  readonly prepared?: readonly number[];
  /** Whether cells that are down matter to the answer. It is longer then: it has every instance's user data. */
  readonly tellsCells?: boolean;
}

/** What Compute answered. */
export interface ComputeAnswer {
  /** 200, or another one that the caller is prepared for. */
  readonly status: number;
  /** What its JSON says; undefined: it is none. */
  readonly body: unknown;
  /** When it was asked. */
  readonly time: Date;
}

interface Sent {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Statuses whose body is read. */
  readonly wanted: readonly number[];
}

/** The first microversion in which Compute tells of cells that are down, instead of leaving them out. */
const VERSION = 'compute 2.69';

const MOST_BYTES = 64 * 1024 * 1024;
const tooLong = () => new Unavailable(`Compute answers with more than ${MOST_BYTES} bytes.`);

/** Asks the Compute API, in GETs alone. Token and answers never stand in what is thrown. */
export class ComputeRequests {
  readonly #url: string;
  #isOld = false;

  /** @throws InvalidInput when the URL is none that requests can be sent to */
  constructor(private readonly access: ComputeAccess) {
    this.#url = parseComputeUrl(access.url);
  }

  /** Whether it is too old to tell of cells that are down; false too when it was not asked yet. */
  get isOld(): boolean {
    return this.#isOld;
  }

  /** @throws Unavailable for every answer that was not prepared for, and for none in time; the signal's reason when it aborts */
  async get(question: Question, signal: AbortSignal): Promise<ComputeAnswer> {
    const { patience } = question;
    const late = () => new Unavailable(`Compute did not answer within ${patience / 1_000} s.`);
    return withDeadline((attempt) => this.#ask(question, attempt), patience, late, this.access.clock, signal);
  }

  async #ask({ path, prepared = [], tellsCells = false }: Question, signal: AbortSignal): Promise<ComputeAnswer> {
    const headers = { 'X-Auth-Token': await this.#token(), Accept: 'application/json' };
    const wanted = [200, ...prepared];
    const isVersioned = tellsCells && !this.#isOld;
    const versioned = isVersioned ? { ...headers, 'OpenStack-API-Version': VERSION } : headers;
    let answer = await this.#sendTwice({ path, headers: versioned, signal, wanted });
    if (answer.status === 406 && isVersioned) {
      this.#isOld = true;
      answer = await this.#sendTwice({ path, headers, signal, wanted });
    }
    if (!wanted.includes(answer.status)) throw refused(answer.status);
    return answer;
  }

  async #token(): Promise<string> {
    let token: string;
    try {
      token = await this.access.token();
    } catch (error) {
      throw error instanceof Unavailable ? error : new Unavailable('There is no token to ask Compute with.');
    }
    // `fetch` would refuse it in words that hold it
    if (!/^[\x21-\x7e]+$/.test(token)) throw new Unavailable('COMPUTE_TOKEN is no token: it must be printable ASCII.');
    return token;
  }

  /** Again when a connection broke, as one does that was kept and is not any more. */
  async #sendTwice(sent: Sent): Promise<ComputeAnswer> {
    try {
      return await this.#send(sent);
    } catch (error) {
      if (!unfinished(error)) throw outOfReach(error);
    }
    return this.#send(sent).catch((error: unknown) => {
      throw outOfReach(error);
    });
  }

  async #send({ path, headers, signal, wanted }: Sent): Promise<ComputeAnswer> {
    const time = this.access.clock.now();
    // a token goes to the configured URL alone: redirects are not followed
    const { status, body } = await fetch(this.#url + path, { headers, redirect: 'error', signal });
    if (wanted.includes(status)) return { status, body: parseJson(await readBounded(body, MOST_BYTES, tooLong)), time };
    await body?.cancel();
    return { status, body: undefined, time };
  }
}
