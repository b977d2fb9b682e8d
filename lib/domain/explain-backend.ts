import type { ExplainedAccess, ExplainedFact } from './explanation';

/** Whether the backend has what should hold. */
export function revisionFact({
  filesystem: { desiredRevision: desired, appliedRevision: applied },
}: ExplainedAccess): ExplainedFact {
  const holds = desired === applied;
  const reason = holds ? 'The backend has what should hold.' : 'The backend does not have the latest changes yet.';
  return { fact: 'revision', holds, reason, desired, applied };
}

/** What went wrong last: the fault in the owner's words, and an operator's where it may be told. */
export function errorFact({ filesystem: { fault }, attempt: { lastError } }: ExplainedAccess): ExplainedFact {
  const said = lastError === null ? {} : { lastError };
  if (!fault) return { fact: 'error', holds: true, reason: 'Nothing is wrong with the filesystem.', ...said };
  return { fact: 'error', holds: false, reason: fault.message, since: fault.created, ...said };
}

/** When the backend is worked on next. */
export function nextAttemptFact({ attempt: { next, leased, failed, failures } }: ExplainedAccess): ExplainedFact {
  const fact = 'next_attempt';
  if (failed)
    return {
      fact,
      holds: false,
      reason: 'It is given up until somebody changes or repeats what is wanted.',
      time: null,
    };
  if (next && leased)
    return { fact, holds: null, reason: 'It is worked on now, and by somebody else if that takes longer.', time: next };
  if (next) return { fact, holds: null, reason: 'It is worked on then.', time: next };
  if (failures > 0) return { fact, holds: null, reason: 'It waits until its backend is back.', time: null };
  return { fact, holds: true, reason: 'There is nothing to do.', time: null };
}

/** Whether the filesystem is being deleted: then nobody is let in. */
export function deletionFact({ deletionWanted }: ExplainedAccess): ExplainedFact {
  return deletionWanted
    ? { fact: 'deletion', holds: false, reason: 'It is being deleted: nobody is to be let in.', since: deletionWanted }
    : { fact: 'deletion', holds: true, reason: 'The filesystem is not being deleted.', since: null };
}
