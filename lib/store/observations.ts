import type { Knex } from 'knex';
import { type CountingRule, namesNetworks } from '../domain/address';
import { type KnownInstance, knowsWhatExists, type Observation, observe } from '../domain/instance';
import {
  type Heard,
  heardAfter,
  question,
  questionAfter,
  type RaisedQuestion,
  withoutGrants,
  withoutStale,
} from '../domain/trust';
import { bump } from './bump';
import { affectsAccess, type Change, concernedFilesystems } from './concerned';
import { type Come, comeBy, doubtOlderClaims, settleDoubts } from './doubts';
import { type ReadInstances, readInstances, writeInstances } from './instance-rows';
import { withKnownPorts } from './ports';
import { askAbout, disputants } from './raised-questions';

/** How this process takes what it hears. */
export interface DirectoryOptions {
  readonly rule: CountingRule;
  /** Whether Compute can be asked: then what `_events` would grant waits for its answer. */
  readonly canAsk: boolean;
}

/** An instance that Compute has just told of. */
export interface Answered {
  readonly instanceId: string;
  /** Answers in a row, before this one, that did not settle what was asked. */
  readonly failures: number;
}

/** Between two questions about what Compute's answers do not settle. */
const LONGEST_AGAIN_MILLISECONDS = 300_000;

type Questions = ReadonlyMap<string, RaisedQuestion>;

/**
 * Writes what observations change in the directory, what is to be asked because of them, and last the bumps that follow
 * (docs/architecture.md, rules 1 and 2). The caller's transaction holds the exclusive advisory lock.
 * @param answered the instance that Compute has just told of: what stays open is asked again later
 * @returns the ids of filesystems that were bumped
 */
export async function applyObservations(
  trx: Knex.Transaction,
  schema: string,
  { rule, canAsk }: DirectoryOptions,
  said: readonly Observation[],
  now: Date,
  answered: Answered | null = null,
): Promise<readonly string[]> {
  if (said.length === 0) return [];
  const read = await readInstances(
    trx,
    said.map(({ instanceId }) => instanceId),
  );
  const { known, doubted } = read;
  const compared = answered?.instanceId ?? null;
  const observations = namesNetworks(rule) ? await withKnownPorts(trx, said, known, compared, now) : said;
  const { changes, questions, come } = observeAll(read, observations, rule, canAsk, now);
  await write(trx, changes, now);
  const after = new Map([...known, ...changes.map((change) => [change.after.id, change.after] as const)]);
  // without a Compute to ask there is nobody who knows better
  const settling = observations.filter((each) => doubted.has(each.instanceId) && (knowsWhatExists(each) || !canAsk));
  const settled = await settleDoubts(trx, settling, (id) => after.get(id));
  const bumps = await concernedFilesystems(trx, [...changes, ...settled]);
  await endConnections(trx, changes);
  if (canAsk) {
    const older = await doubtOlderClaims(trx, rule, come, now);
    const ids = [...older, ...(await disputants(trx, rule, come, compared))];
    const disputes = new Map(ids.map((id) => [id, question('dispute')]));
    const raised = new Map([...disputes, ...questions]);
    if (answered) leaveOpen(raised, disputes, answered, said, after);
    await askAbout(trx, schema, raised, now);
  }
  await bump(trx, schema, bumps, now);
  return bumps.map(({ id }) => id);
}

/**
 * What an answer does not settle is asked again, later and later: Compute may know more by then. Of an instance that is being
 * built, a moment later.
 */
function leaveOpen(
  raised: Map<string, RaisedQuestion>,
  disputes: Questions,
  { instanceId, failures }: Answered,
  said: readonly Observation[],
  after: ReadonlyMap<string, KnownInstance>,
): void {
  const isIgnored = said.some(({ state }) => state === 'live') && after.get(instanceId)?.state?.value !== 'live';
  const open = disputes.get(instanceId) ?? raised.get(instanceId) ?? (isIgnored ? question('late') : null);
  if (!open) return;
  const { pauseMilliseconds } = question(open.reason, { isNews: open.reason !== 'dispute' });
  const again = Math.min(LONGEST_AGAIN_MILLISECONDS, pauseMilliseconds * 2 ** Math.min(failures, 20));
  const delayMilliseconds = Math.max(open.delayMilliseconds, again);
  raised.set(instanceId, { ...open, pauseMilliseconds, delayMilliseconds });
}

async function write(trx: Knex.Transaction, changes: readonly HeardChange[], now: Date): Promise<void> {
  if (changes.length === 0) return;
  const written = changes.map((change) => ({ ...change, affectsAccess: affectsAccess(change) }));
  await writeInstances(trx, written, now);
}

/** A change, and what was heard by it. */
interface HeardChange extends Change {
  readonly heard: Heard;
}

/** What observations do to the directory. */
interface Observed {
  /** The instances that they change, as they were and as they are now. */
  readonly changes: readonly HeardChange[];
  readonly questions: Questions;
  /** Of each address that came to an instance, the last one that it came to. */
  readonly come: readonly Come[];
}

function observeAll(
  { known, heard }: ReadInstances,
  observations: readonly Observation[],
  rule: CountingRule,
  canAsk: boolean,
  now: Date,
): Observed {
  const changes = new Map<string, HeardChange>();
  const questions = new Map<string, RaisedQuestion>();
  const come = new Map<string, string>();
  for (const said of observations) {
    const id = said.instanceId;
    const earlier = changes.get(id) ?? null;
    const present = earlier?.after ?? known.get(id) ?? null;
    const before = earlier?.heard ?? heard.get(id) ?? UNHEARD;
    const { after, raised } = observeOne(present, said, before, rule, canAsk);
    const change = { before: present, after, cause: said.cause, heard: heardAfter(present, after, said, before, now) };
    if (after !== present) changes.set(id, { ...joined(earlier, change), heard: change.heard });
    for (const address of comeBy(change)) come.set(address, id);
    if (raised) questions.set(id, raised);
    else if (after.state?.value === 'gone') questions.delete(id);
  }
  const last = [...come].map(([address, instanceId]) => ({ instanceId, address }));
  return { changes: [...changes.values()], questions, come: last };
}

const UNHEARD: Heard = { end: null, addresses: null };

/** Two changes as one; the cause is that of the later which touched access. */
function joined(earlier: Change | null, later: Change): Change {
  if (!earlier) return later;
  return { ...later, before: earlier.before, cause: affectsAccess(later) ? later.cause : earlier.cause };
}

/** What is known after one more observation, and what is to be asked because of it. */
function observeOne(
  present: KnownInstance | null,
  said: Observation,
  heard: Heard,
  rule: CountingRule,
  canAsk: boolean,
): { readonly after: KnownInstance; readonly raised: RaisedQuestion | null } {
  if (canAsk && said.source === 'events') {
    const { holds, claims } = withoutGrants(present, said);
    const after = observe(present, holds);
    return { after, raised: claims ? CLAIM : questionAfter(present, after, holds, rule) };
  }
  const { holds, isStale } = withoutStale(present, said, heard);
  const after = observe(present, holds);
  return { after, raised: isStale ? STALE : questionAfter(present, after, holds, rule) };
}

const CLAIM = question('claim', { isNews: true });
/** Something was heard while Compute was asked: its next answer has that too. */
const STALE = question('late', { isNews: true });

/** A connection ends by itself when the instance is deleted; a soft-deleted one keeps its own (docs/api.md, "Instances"). */
async function endConnections(trx: Knex.Transaction, changes: readonly Change[]): Promise<void> {
  const gone = changes.filter(({ after }) => after.state?.value === 'gone').map(({ after }) => after.id);
  if (gone.length > 0) await trx('connections').whereIn('instance_id', gone).delete();
}
