import { isInScope } from './entitlement';
import type { ExplainedAccess, ExplainedFact } from './explanation';
import type { InstanceState } from './instance';
import type { QuestionReason } from './trust';

/** Whether the directory knows the instance. One that `_events` alone has told of is not known. */
export function knownFact({ instance, firstHeard }: ExplainedAccess): ExplainedFact {
  if (!instance) return { fact: 'known', holds: false, reason: 'No source has told of such an instance.', since: null };
  const isKnown = instance.state !== null || instance.project !== null || instance.addresses !== null;
  return {
    fact: 'known',
    holds: isKnown,
    reason: isKnown
      ? 'The instance directory knows it.'
      : 'A report has told of it, which holds when Compute has confirmed it.',
    since: firstHeard,
  };
}

/** Whose instance it is. */
export function projectFact({ instance }: ExplainedAccess): ExplainedFact {
  const told = instance?.project;
  if (!told) return { fact: 'project', holds: null, reason: 'No source has told its project.' };
  const { value, time, source } = told;
  return value === null
    ? { fact: 'project', holds: null, reason: 'Two projects were told for one moment.', source, time }
    : { fact: 'project', holds: true, reason: `It is an instance of project ${value}.`, source, time };
}

const ASKED: Readonly<Record<QuestionReason, string>> = {
  claim: 'A report says more than was confirmed',
  port: 'The network of an address of it is not known',
  addresses: 'Nobody has told its addresses',
  dispute: 'An address of it is also claimed elsewhere',
  late: 'An old message would take an address away',
  ending: 'Its deletion has begun, and no end has come',
  missing: "It was not on Compute's list",
};

/** What Compute is to be asked about it. */
export function questionFact({ question }: ExplainedAccess): ExplainedFact {
  if (!question) return { fact: 'question', holds: true, reason: 'Nothing is open that Compute is asked.', time: null };
  return { fact: 'question', holds: null, reason: `${ASKED[question.reason]}: Compute is asked.`, time: question.next };
}

/** Whether the filesystem's scope takes it in. */
export function scopeFact({ filesystem, instance, connected }: ExplainedAccess): ExplainedFact {
  const holds = instance !== null && isInScope(filesystem, instance, new Set(connected ? [instance.id] : []));
  switch (filesystem.scope) {
    case 'global':
      return { fact: 'scope', holds: true, reason: 'Scope "global" takes in every instance.' };
    case 'project': {
      const rule = `Scope "project" takes in the instances of project ${filesystem.project}`;
      if (!instance?.project?.value) return { fact: 'scope', holds: null, reason: `${rule}; its own is not known.` };
      return { fact: 'scope', holds, reason: `${rule}, and it is ${holds ? '' : 'not '}one of them.` };
    }
    case 'instance': {
      const rule = 'Scope "instance" takes in the instances that are connected';
      return {
        fact: 'scope',
        holds,
        reason: `${rule}, and it is ${holds ? '' : 'not '}one of them.`,
        since: connected,
      };
    }
  }
}

const STATES: Readonly<Record<InstanceState, string>> = {
  live: 'It is live: Compute has it, running or not.',
  suspended: 'It is suspended: soft-deleted, or its deletion has begun.',
  gone: 'It is gone: deleted.',
};

/** Whether it is live. */
export function stateFact({ instance }: ExplainedAccess): ExplainedFact {
  const told = instance?.state;
  if (!told) return { fact: 'state', holds: null, reason: 'No source has told its state.' };
  const { value, time, source } = told;
  return { fact: 'state', holds: value === 'live', reason: STATES[value], source, time };
}
