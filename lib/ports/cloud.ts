import { Unavailable } from '../domain/errors';
import type { Observation } from '../domain/instance';

/** One page of Compute's list of the instances of all projects. */
export interface ListingPage {
  /** Of every row, those that say nothing of themselves too. */
  readonly instanceIds: readonly string[];
  /** What the rows say, of the moment at which the page was asked for. */
  readonly observations: readonly Observation[];
  /** False when a row says nothing, as those of a cell that is down: then nothing follows from what is not on the list. */
  readonly complete: boolean;
}

/** Compute answers, and cannot tell of this one instance: its cell may be down. */
export class Untold extends Unavailable {}

/** The Compute API, the truth behind the notifications (docs/architecture.md, "The instance directory"). */
export interface ComputeApi {
  /**
   * What Compute says of one instance now: `gone` when it knows of none.
   * @throws Unavailable when it cannot be told: Compute is out of reach, answers nonsense, refuses the token; `Untold` when it has a cell down
   */
  find(instanceId: string, signal: AbortSignal): Promise<Observation>;

  /**
   * All instances of all projects, page by page; ends when every page was read.
   * @throws Unavailable when a page cannot be had
   */
  list(signal: AbortSignal): AsyncIterable<ListingPage>;
}

/** Takes what the message bus brings. */
export interface NotificationSink {
  /**
   * Stores what a batch of notifications says. They are acknowledged when this resolves, after the commit.
   * @throws Unavailable while Postgres is out of reach: the same batch comes again. Anything else: it cannot be stored
   */
  store(observations: readonly Observation[]): Promise<void>;
  /** Consuming has begun, or begun again: what was sent before may have been missed. */
  begun(): void;
}

/** The message bus, as this process sees it. */
export interface MessageBus {
  readonly status: { readonly connected: boolean; readonly message: string | null };
  /** Consumes until the signal aborts. Reconnects for ever; says so in the log once, and again when it is back. */
  run(sink: NotificationSink, signal: AbortSignal): Promise<void>;
}
