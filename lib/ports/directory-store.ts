import type { Observation } from '../domain/instance';
import type { QuestionReason } from '../domain/trust';

/** The instance directory: what is known of Compute's instances. */
export interface InstanceStore {
  /**
   * Stores observations in one transaction, with the bumps that follow from them (docs/architecture.md, rules 1 and 2).
   * Atomic: all or none.
   * @returns the ids of filesystems that were bumped
   */
  apply(observations: readonly Observation[]): Promise<readonly string[]>;

  /**
   * As `apply`.
   * @returns what every backend must reach for what was said to be in force: of all filesystems that the instances concern,
   *   changed by it or not, since what was said may have been said before
   */
  applyAndTarget(observations: readonly Observation[]): Promise<readonly Target[]>;

  /** The filesystems that have not reached their target, and those that still let in one of the instances that ended. */
  unconfirmed(
    targets: readonly Target[],
    endedInstanceIds: readonly string[],
  ): Promise<readonly { readonly id: string; readonly name: string; readonly backend: string }[]>;

  /** Whether something was ever told of the state of an instance: one of `_events` alone is not known. */
  isKnown(instanceId: string): Promise<boolean>;

  /** Removes tombstones, and ports that no instance has, older than this, some thousand at a time. @returns how many */
  prune(before: Date): Promise<number>;
}

/** A filesystem, and the revision that its backend must have applied. */
export interface Target {
  readonly filesystemId: string;
  readonly revision: bigint;
}

/** What Compute is to be asked about one instance, taken by this process alone for a while. */
export interface Question {
  readonly instanceId: string;
  readonly reason: QuestionReason;
  /** Attempts in a row that brought no answer, or none that settled it. */
  readonly failures: number;
  /** Given out once: an answer settles what was asked then, and nothing that was raised since. */
  readonly token: bigint;
}

/** What Compute is to be asked (docs/architecture.md, "The instance directory"). Each question is asked once in 10 s at most. */
export interface QuestionStore {
  /** Those that are due, the oldest first: about instances that a resync did not find apart, which are many when a cell is down. */
  take(limit: number, missingLimit: number): Promise<readonly Question[]>;
  /**
   * Stores what Compute has answered, in one transaction with the bumps that follow. What it does not settle is
   * asked about again, later and later.
   * @returns the ids of filesystems that were bumped
   */
  answer(question: Question, observation: Observation): Promise<readonly string[]>;
  /** There was no answer. */
  postpone(question: Question, delayMilliseconds: number): Promise<void>;
  /** When the next one is due; null: nothing is open. */
  nextDue(): Promise<Date | null>;
}

/** How a resync ended. `incomplete`: Compute did not list everything. `braked`: suspiciously much is missing. */
export type ResyncOutcome = 'complete' | 'incomplete' | 'braked' | 'failed';

/** The last resync of the deployment, whoever ran it. */
export interface ResyncRecord {
  readonly begun: Date;
  readonly ended: Date;
  readonly outcome: ResyncOutcome;
  /** Why it is not `complete`; null when it is. */
  readonly message: string | null;
  /** Instances that Compute listed. */
  readonly instances: number;
  /** Live instances of the directory that it did not, about each of which it was asked then. */
  readonly missing: number;
}

/** A resync under way, which no other process has beside it. */
export interface Listing {
  /** These were on Compute's list. */
  add(instanceIds: readonly string[]): Promise<void>;
  /** Live instances that were not, and of which nothing was heard since the listing began; and all live ones. */
  missing(begun: Date): Promise<{ readonly missing: number; readonly live: number }>;
  /** Has Compute asked about each of those, and about others that have no access and of which nothing was heard for long. */
  askAboutMissing(begun: Date): Promise<void>;
  /** Writes down how it went. */
  record(record: ResyncRecord): Promise<void>;
}

export interface ResyncStore {
  /** Runs `work` while no other process resyncs. @returns null when another one does */
  alone<Result>(work: (listing: Listing) => Promise<Result>): Promise<Result | null>;
  /** Null: there was none. */
  last(): Promise<ResyncRecord | null>;
}
