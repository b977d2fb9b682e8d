/** Who wants to know. */
export interface Listener {
  /** Some filesystem may have become due. */
  due(): void;
  /** A count of used space was asked for. */
  usageWanted(): void;
  /** Compute is to be asked about some instance. */
  questionRaised(): void;
  /** A filesystem was settled. */
  changed(filesystemId: string): void;
}

/** What Postgres tells by itself. */
export interface Signals {
  /** Tells until the signal aborts. Reconnects by itself; what was missed meanwhile the poll finds. */
  listen(on: Listener, signal: AbortSignal): Promise<void>;
}
