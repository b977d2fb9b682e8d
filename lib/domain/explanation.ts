import type { Fault, Filesystem } from './filesystem';
import type { KnownInstance, ObservationSource } from './instance';
import type { QuestionReason } from './trust';

/** What is known of one instance and one filesystem, all of one snapshot: what an explanation is drawn from. */
export interface ExplainedAccess {
  readonly filesystem: Filesystem;
  /** Since when it is being deleted; null: it is not. */
  readonly deletionWanted: Date | null;
  /** Null: no source has told of it. */
  readonly instance: KnownInstance | null;
  /** When the directory first heard of it, by our clock. */
  readonly firstHeard: Date | null;
  /** What Compute is to be asked about it, and when; null: nothing. */
  readonly question: { readonly reason: QuestionReason; readonly next: Date } | null;
  /** Since when it is connected explicitly; null: it is not. */
  readonly connected: Date | null;
  /** Of its addresses that count, those that an instance claims too which is not entitled. Says nothing where it is not entitled itself. */
  readonly disputed: ReadonlySet<string>;
  /** What the backend was last confirmed to let in of it: canonical address → since when. */
  readonly entries: ReadonlyMap<string, Date>;
  /** Why addresses of it are kept out, as the last run has left it. */
  readonly faults: ReadonlyMap<string, Fault>;
  readonly attempt: Attempt;
}

/** Where a filesystem stands in the queue (docs/architecture.md, rule 4). */
export interface Attempt {
  /** When it is due, or the lease ends; null: it is not due. */
  readonly next: Date | null;
  readonly leased: boolean;
  /** Given up until somebody changes what is wanted. */
  readonly failed: boolean;
  /** Failed runs in a row. */
  readonly failures: number;
  /** What the last failed run has told: an operator's words. Null: there was none since the last success, or it may not be told. */
  readonly lastError: string | null;
}

/** The links of the chain from an instance to a filesystem, in their order (docs/api.md, "Explain"). */
export type FactName =
  | 'known'
  | 'project'
  | 'question'
  | 'scope'
  | 'state'
  | 'addresses'
  | 'address'
  | 'dispute'
  | 'backend'
  | 'revision'
  | 'error'
  | 'next_attempt'
  | 'deletion';

/** One link: its yes or no, and why. What else it has depends on the fact; undefined: it has no such thing. */
export interface ExplainedFact {
  readonly fact: FactName;
  /** Which address it speaks of, canonical. */
  readonly address?: string | undefined;
  /** True: it is not in the way. False: it is. Null: not known, or nothing to decide. */
  readonly holds: boolean | null;
  /** A sentence. */
  readonly reason: string;
  /** Of an address. */
  readonly counts?: boolean | undefined;
  /** Who told it, and when it was so. */
  readonly source?: ObservationSource | undefined;
  readonly time?: Date | null | undefined;
  readonly since?: Date | null | undefined;
  readonly desired?: bigint | undefined;
  readonly applied?: bigint | undefined;
  readonly lastError?: string | undefined;
}

/** Why an instance has access to a filesystem, or not. */
export interface Explanation {
  /** Whether the backend lets in any address of it. */
  readonly letIn: boolean;
  readonly facts: readonly ExplainedFact[];
}
