import type { InstanceState } from '../domain/instance';
import type { InstancePayload } from './instance-payload';

/**
 * Nova's vm states of an instance that exists, running or not (nova/compute/vm_states.py). One that is in none of these
 * sets proves nothing.
 */
const EXISTING: ReadonlySet<string> = new Set([
  'active',
  'building',
  'error',
  'paused',
  'rescued',
  'resized',
  'shelved',
  'shelved_offloaded',
  'stopped',
  'suspended',
]);

/** vm states and task states in which nobody may be let in, though the instance may come back. */
const ENDING: ReadonlySet<string> = new Set(['soft-delete', 'soft-deleted', 'deleting', 'soft-deleting']);

/** Events that end access whatever state stands beside them: Nova sends `delete.start` while the state is `active`. */
const ENDING_EVENT = /^(?:delete|force_delete|soft_delete)\./;

/** After these the instance is not there any more. */
const GONE_EVENTS: ReadonlySet<string> = new Set(['delete.end', 'force_delete.end']);

/** What a notification says of an instance's existence. */
export interface SaidState {
  /** Undefined: nothing. */
  readonly state?: InstanceState | undefined;
  readonly restored?: true;
}

/**
 * What follows from an event and the states in its payload (docs/architecture.md, "The instance directory"). Any word of an
 * end outweighs the others, so what an event says beside its state only ever takes access away; `restore.end` alone gives.
 * @param event without what stands before it in the type: `create.end`, `update`
 */
export function saidState(event: string, { states, tasks }: Pick<InstancePayload, 'states' | 'tasks'>): SaidState {
  const words = [...states, ...tasks].map((word) => word.toLowerCase().replaceAll('_', '-'));
  if (GONE_EVENTS.has(event) || words.includes('deleted')) return { state: 'gone' };
  if (ENDING_EVENT.test(event) || words.some((word) => ENDING.has(word))) return { state: 'suspended' };
  if (event === 'restore.end') return { state: 'live', restored: true };
  return states.length > 0 && states.every((state) => EXISTING.has(state.toLowerCase())) ? { state: 'live' } : {};
}
