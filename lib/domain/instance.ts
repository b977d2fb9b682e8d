import { isDeepStrictEqual } from 'node:util';
import type { InstanceAddress } from './address';
import { commonAddresses, countableAddresses } from './address-list';

/**
 * `live`: Compute says that it exists, running or not. `suspended`: no access now, and it may come back (soft-deleted, or a
 * deletion has begun). `gone`: deleted; kept as a tombstone, so that a late message cannot bring it back.
 */
export type InstanceState = 'live' | 'suspended' | 'gone';

/**
 * Who said it. `notification` the message bus, `events` a POST of `_events`, `host` the gateway's own process, `compute` an
 * answer of the Compute API. The last two know what exists; the others tell what happened.
 */
export type ObservationSource = 'notification' | 'events' | 'host' | 'compute';

/** What one message, call or answer says about one instance (docs/architecture.md, "The instance directory"). */
export interface Observation {
  readonly instanceId: string;
  /** Undefined: not said. */
  readonly project?: string | undefined;
  /** Undefined: not said. */
  readonly state?: InstanceState | undefined;
  /** True when a `live` is the end of a restoration: it brings back what was soft-deleted before. */
  readonly restored?: boolean | undefined;
  /** The whole list. Undefined: not known, which is not the same as none. */
  readonly addresses?: readonly InstanceAddress[] | undefined;
  /** When it was so. */
  readonly time: Date;
  readonly source: ObservationSource;
  /** Words for the audit and the log, such as `instance.create.end`. */
  readonly cause: string;
}

/** A fact of the directory with the newest observation that said it. */
export interface Fact<Value> {
  readonly value: Value;
  readonly time: Date;
  readonly source: ObservationSource;
}

/** An instance as the directory knows it; a fact that no source has told is null. */
export interface KnownInstance {
  readonly id: string;
  /** The value is null when two sources told different projects for one moment. */
  readonly project: Fact<string | null> | null;
  readonly state: Fact<InstanceState> | null;
  readonly addresses: Fact<readonly InstanceAddress[]> | null;
  /** The latest moment for which Compute, the host or a restoration has said *live*: an end from before it is old news. */
  readonly liveUntil: Date | null;
}

/** How far a source's clock may be ahead before its time is taken for an error. */
const LARGEST_LEAD_MILLISECONDS = 5 * 60_000;

/**
 * The time of an observation: what its source says, or its arrival when that is absent, unreadable or more than five
 * minutes ahead.
 */
export function observationTime(said: Date | null, arrival: Date): Date {
  if (said === null || Number.isNaN(said.getTime())) return arrival;
  return said.getTime() - arrival.getTime() > LARGEST_LEAD_MILLISECONDS ? arrival : said;
}

/**
 * What is known after one more observation. The newest observation of each fact wins, never the last to arrive; at equal
 * times the one that ends access does. So any order and any number of repetitions give the same access
 * (spec/domain/instance.spec.ts).
 *
 * @param known null when the directory has not met the instance
 * @returns `known` itself when nothing changes
 */
export function observe(known: KnownInstance | null, observation: Observation): KnownInstance {
  const before: KnownInstance = known ?? {
    id: observation.instanceId,
    project: null,
    state: null,
    addresses: null,
    liveUntil: null,
  };
  const { state, liveUntil } = observeState(before, observation);
  const after: KnownInstance = {
    id: before.id,
    project: newer(before.project, observation.project, observation, (one, other) => (one === other ? one : null)),
    state,
    addresses: newer(
      before.addresses,
      observation.addresses && countableAddresses(observation.addresses),
      observation,
      commonAddresses,
    ),
    liveUntil,
  };
  return known !== null && isDeepStrictEqual(known, after) ? known : after;
}

/** Whether an observation brings back an instance whose access had ended: what exists, said by one who knows. */
function isAuthoritative(said: Observation): boolean {
  return said.restored === true || knowsWhatExists(said);
}

/** Whether it is said by one who knows what exists: Compute, or the host itself. */
export function knowsWhatExists({ source }: Pick<Observation, 'source'>): boolean {
  return source === 'compute' || source === 'host';
}

type StateFacts = Pick<KnownInstance, 'state' | 'liveUntil'>;

function observeState({ state, liveUntil }: KnownInstance, observation: Observation): StateFacts {
  const { state: value, time, source } = observation;
  if (value === undefined) return { state, liveUntil };
  const said: Fact<InstanceState> = { value, time, source };
  return value === 'live'
    ? observeLive({ state, liveUntil }, said, isAuthoritative(observation))
    : observeEnd({ state, liveUntil }, said);
}

/** An end needs no newest time, unless one who knows has said *live* for a later moment. */
function observeEnd({ state: known, liveUntil }: StateFacts, said: Fact<InstanceState>): StateFacts {
  if (liveUntil !== null && said.time < liveUntil) return { state: known, liveUntil };
  if (known === null || known.value === 'live') return { state: said, liveUntil };
  const gone = known.value === 'gone' || said.value === 'gone';
  const latest = said.time > known.time ? said : known;
  return { state: { ...latest, value: gone ? 'gone' : 'suspended' }, liveUntil };
}

function observeLive(
  { state: known, liveUntil }: StateFacts,
  said: Fact<InstanceState>,
  authoritative: boolean,
): StateFacts {
  const newest = known === null || said.time > known.time;
  const takes = newest && (authoritative || known === null || known.value === 'live');
  return { state: takes ? said : known, liveUntil: authoritative ? later(liveUntil, said.time) : liveUntil };
}

/** The newer of a fact and what is said now; for one moment, what `both` makes of the two. */
function newer<Value>(
  known: Fact<Value> | null,
  value: Value | undefined,
  { time, source }: Observation,
  both: (known: Value, said: Value) => Value,
): Fact<Value> | null {
  if (value === undefined) return known;
  if (known === null || time > known.time) return { value, time, source };
  if (time < known.time) return known;
  return { ...known, value: both(known.value, value) };
}

function later(one: Date | null, other: Date): Date {
  return one !== null && one > other ? one : other;
}
