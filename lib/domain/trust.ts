import { type CountingRule, type InstanceAddress, needsNetwork } from './address';
import type { KnownInstance, Observation } from './instance';

/**
 * Why Compute is asked about an instance. `claim`: a POST of `_events` would let it in. `port`: the network of one of its
 * addresses is not known. `addresses`: nobody has told its addresses. `dispute`: another instance claims an address of it. `late`: an old message would end access or take an address
 * away, and its sender's clock may be behind. `ending`: its deletion has begun, and no end has come. `missing`: a resync did
 * not find it.
 */
export type QuestionReason = 'claim' | 'port' | 'addresses' | 'dispute' | 'late' | 'ending' | 'missing';

/** How long an instance may live before somebody has told its addresses. */
const LONGEST_SILENCE_MILLISECONDS = 15_000;

/** What is asked about an instance after an observation of it. */
export interface RaisedQuestion {
  readonly reason: QuestionReason;
  readonly delayMilliseconds: number;
  /** Between the last question about this instance and this one, at least. */
  readonly pauseMilliseconds: number;
}

/** Between two questions about one instance that ask the same again. */
export const QUESTION_PAUSE_MILLISECONDS = 10_000;

/** Where something new is told, such as another port: its owner waits for the answer. */
export const NEWS_PAUSE_MILLISECONDS = 1_000;

/** Asked at once, but for the pause. */
export function question(reason: QuestionReason, { isNews = false } = {}): RaisedQuestion {
  return {
    reason,
    delayMilliseconds: 0,
    pauseMilliseconds: isNews ? NEWS_PAUSE_MILLISECONDS : QUESTION_PAUSE_MILLISECONDS,
  };
}

/** How long a deletion that has begun may take before Compute is asked what became of it. */
const LONGEST_ENDING_MILLISECONDS = 60_000;

/**
 * What of a report of `_events` holds by itself: what ends or narrows access. Where Compute can be asked, the rest holds when
 * Compute has confirmed it (docs/architecture.md, "The instance directory").
 * @returns `claims` whether there is something to confirm
 */
export function withoutGrants(
  known: KnownInstance | null,
  said: Observation,
): { readonly holds: Observation; readonly claims: boolean } {
  const had = known?.addresses?.value ?? [];
  const addresses = said.addresses ?? [];
  const ends = said.state === 'suspended' || said.state === 'gone';
  const isNew =
    (said.state === 'live' && known?.state?.value !== 'live') ||
    (said.project !== undefined && said.project !== known?.project?.value) ||
    addresses.some((each) => !isAmong(each, had));
  const narrowed = known?.addresses && said.addresses ? had.filter((each) => isAmong(each, addresses)) : undefined;
  return {
    holds: {
      ...said,
      project: undefined,
      restored: undefined,
      state: ends ? said.state : undefined,
      addresses: narrowed,
    },
    claims: isNew && !ends,
  };
}

/** When others than Compute have told of an instance, by our clock; null: they have not. */
export interface Heard {
  readonly end: Date | null;
  readonly addresses: Date | null;
}

/**
 * An answer of Compute without what was heard of otherwise since it was asked for: an end, or another list, is not undone by
 * it. Both times are of our clock; those of messages are of clocks that may be behind.
 * @returns `isStale` whether something was left out: Compute is to be asked again
 */
export function withoutStale(
  known: KnownInstance | null,
  said: Observation,
  heard: Heard,
): { readonly holds: Observation; readonly isStale: boolean } {
  if (said.source !== 'compute') return { holds: said, isStale: false };
  const revives = said.state === 'live' && known?.state !== undefined && known.state?.value !== 'live';
  const isOldState = revives && heard.end !== null && said.time < heard.end;
  const isOldList = said.addresses !== undefined && heard.addresses !== null && said.time < heard.addresses;
  return {
    holds: {
      ...said,
      state: isOldState ? undefined : said.state,
      addresses: isOldList ? undefined : said.addresses,
    },
    isStale: isOldState || isOldList,
  };
}

/** What was heard after one more observation. */
export function heardAfter(
  before: KnownInstance | null,
  after: KnownInstance,
  { source }: Observation,
  heard: Heard,
  now: Date,
): Heard {
  if (source === 'compute') return heard;
  const isEnd = after.state !== before?.state && after.state !== null && after.state.value !== 'live';
  const isList = after.addresses !== before?.addresses && after.addresses !== null;
  return { end: isEnd ? now : heard.end, addresses: isList ? now : heard.addresses };
}

/** What is to be asked about an instance after one more observation of it; null: nothing. Disputes are for who sees all claims. */
export function questionAfter(
  before: KnownInstance | null,
  after: KnownInstance,
  said: Observation,
  rule: CountingRule,
): RaisedQuestion | null {
  const state = after.state?.value;
  if (state === 'suspended' && before?.state?.value !== 'suspended')
    return { ...question('ending'), delayMilliseconds: LONGEST_ENDING_MILLISECONDS };
  if (state !== 'live') return null;
  if (endsLate(said)) return question('late', { isNews: true });
  if (takesAwayLate(before, said)) return question('late');
  if (after.addresses === null) return { ...question('addresses'), delayMilliseconds: LONGEST_SILENCE_MILLISECONDS };
  const open = (after.addresses?.value ?? []).filter((each) => needsNetwork(rule, each));
  if (open.length === 0) return null;
  return question('port', { isNews: open.some((each) => !isAmong(each, before?.addresses?.value ?? [])) });
}

/** Whether a message tells of an end, of an instance that is live all the same: one who knows has said so of a later moment. */
function endsLate({ state, source }: Observation): boolean {
  return (state === 'suspended' || state === 'gone') && source !== 'compute';
}

/** Whether a message older than what is known has a list without an address that is known. */
function takesAwayLate(before: KnownInstance | null, { addresses, time, source }: Observation): boolean {
  if (!before?.addresses || !addresses || source === 'compute' || time >= before.addresses.time) return false;
  return before.addresses.value.some((each) => !isAmong(each, addresses));
}

function isAmong({ address, kind }: InstanceAddress, list: readonly InstanceAddress[]): boolean {
  return list.some((each) => each.address === address && each.kind === kind);
}
