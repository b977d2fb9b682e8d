import type { Caller } from '../domain/permission';
import type { HttpServices } from './services';

/** One request after authentication and tenant check. */
export interface Call {
  readonly requestId: string;
  readonly caller: Caller;
  /** What the path names: `name` of a filesystem or an alias, `id` of an instance; empty where the route has none. */
  readonly name: string;
  readonly id: string;
  /** Each parameter once. */
  readonly query: Readonly<Record<string, string>>;
  /** Undefined: there is none. */
  readonly body: unknown;
  readonly headers: {
    readonly ifMatch: string | undefined;
    readonly ifNoneMatch: string | undefined;
    readonly prefer: string | undefined;
  };
  /** The path up to the filesystems, in the spelling that was asked, with the public URL in front where there is one. */
  readonly collection: string;
  /** The path asked, without its query, in front as `collection`. */
  readonly self: string;
  /** Aborts when the client has gone, or the extension stops: for requests that wait, few do. */
  readonly ended: () => AbortSignal;
}

/** What is answered. */
export interface Answer {
  readonly status: number;
  /** What becomes JSON, or JSON already; undefined: an empty body. */
  readonly body?: object | string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** One method of one route: locks, authorizes, plans, writes, nudges. */
export type Handler = (services: HttpServices, call: Call) => Promise<Answer>;
