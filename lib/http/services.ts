import type { Observation } from '../domain/instance';
import type { Policy } from '../domain/permission';
import type { PlacementRule } from '../domain/placement';
import type { AccessLogStore } from '../ports/access-log-store';
import type { Clock } from '../ports/clock';
import type { DeletedStore } from '../ports/deleted-store';
import type { InstanceStore } from '../ports/directory-store';
import type { Changes, FilesystemStore } from '../ports/filesystem-store';
import type { ExtensionEntry, IdentityOf, Logger } from '../ports/host';
import type { Metrics } from '../ports/metrics';

/** Everything that the handlers may touch. */
export interface HttpServices {
  readonly filesystems: FilesystemStore;
  readonly deleted: DeletedStore;
  readonly instances: Pick<InstanceStore, 'apply'>;
  readonly accessLog: Pick<AccessLogStore, 'list' | 'at'>;
  /** How far back the log tells who was let in. */
  readonly accessLogRetentionDays: number;
  readonly changes: Changes;
  /** Wakes the reconciler. A hint: were it lost, the next poll would find the work. */
  readonly nudge: () => void;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly policy: Policy;
  /** Where new filesystems go; empty: where the store puts them. */
  readonly placement: readonly PlacementRule[];
  readonly identity: IdentityOf;
  /** What `/extensions` answers; null: the host has a registry, and answers itself. */
  readonly entry: ExtensionEntry | null;
  /** `https://compute.example.org`, null: links are absolute paths. */
  readonly publicUrl: string | null;
  /** Entries of a page at most. */
  readonly maxLimit: number;
  /** @throws InvalidInput naming the first notification that cannot be read */
  readonly readEvents: (body: unknown, arrival: Date) => { readonly observations: readonly Observation[] };
  /**
   * Asks Compute about an instance that the directory does not know, 2 s at most; null: there is no Compute to ask.
   * @throws Unavailable when it does not answer
   */
  readonly lookUpInstance: ((instanceId: string, projectId: string) => Promise<void>) | null;
  /** Aborts when the extension stops: requests that wait are answered then. */
  readonly stopping: () => AbortSignal;
}
