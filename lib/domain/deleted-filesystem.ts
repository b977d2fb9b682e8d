import { Conflict, TemporaryConflict } from './errors';
import type { Filesystem } from './filesystem';

/** A filesystem that is out of service, and whose data is not destroyed yet. */
export interface DeletedFilesystem {
  /** As it was when it was retired. */
  readonly filesystem: Filesystem;
  /** When it was retired. */
  readonly retired: Date;
  /**
   * When its data is to be destroyed; a backend that is down, or others that wait too, make it later. Null: it is kept until
   * somebody restores or purges it, since it was adopted as deleted.
   */
  readonly purgeAfter: Date | null;
  /** It is being destroyed, or somebody has said that it is to be: there is no way back. */
  readonly isPurging: boolean;
  /** A run has it in this moment. */
  readonly isLeased: boolean;
}

type DeletedState<Fact extends keyof Filesystem> = Pick<DeletedFilesystem, 'isPurging' | 'isLeased'> & {
  readonly filesystem: Pick<Filesystem, Fact>;
};

/** `error`: destroying it has failed for good, and the fault says why. */
export type DeletedStatus = 'deleted' | 'purging' | 'error';

/** What docs/api.md calls it, "Deleted filesystems". */
export function deletedStatus({ filesystem, isPurging }: DeletedState<'status'>): DeletedStatus {
  if (filesystem.status === 'error') return 'error';
  return isPurging ? 'purging' : 'deleted';
}

/** @throws Conflict when its data is being destroyed, or may be in a moment */
export function requireRestorable({ filesystem: { name }, isPurging, isLeased }: DeletedState<'name'>): void {
  if (isPurging)
    throw new Conflict(`Filesystem ${name} is being purged: its data is not whole any more, and cannot be restored.`);
  // whoever has it may be about to begin: also a program of the release before, which does not say so first
  if (isLeased) throw new TemporaryConflict(`Filesystem ${name} is due to be purged in this moment: ask again.`);
}
