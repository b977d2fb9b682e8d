import type { Knex } from 'knex';
import { type CountingRule, namesNetworks } from '../domain/address';
import { type KnownInstance, type Observation, observe } from '../domain/instance';
import { question, questionAfter, type RaisedQuestion, withoutGrants } from '../domain/trust';
import { bump } from './bump';
import { affectsAccess, type Change, concernedFilesystems } from './concerned';
import { type Come, comeBy, doubtOlderClaims, settleDoubts } from './doubts';
import { readInstances, writeInstances } from './instance-rows';
import { withKnownPorts } from './ports';
import { askAbout, disputants } from './raised-questions';

/** How this process takes what it hears. */
export interface DirectoryOptions {
  readonly rule: CountingRule;
  /** Whether Compute can be asked: then what `_events` would grant waits for its answer. */
  readonly canAsk: boolean;
}

/** An instance that Compute has just told of, and when to ask again about what that does not settle. */
export interface Answered {
  readonly instanceId: string;
  readonly againMilliseconds: number;
}

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
  const observations = namesNetworks(rule) ? await withKnownPorts(trx, said, now) : said;
  const { known, doubted } = await readInstances(
    trx,
    observations.map(({ instanceId }) => instanceId),
  );
  const { changes, questions } = observeAll(known, observations, rule, canAsk);
  await write(trx, changes, now);
  const after = new Map([...known, ...changes.map((change) => [change.after.id, change.after] as const)]);
  // without a Compute to ask there is nobody who knows better
  const settling = observations.filter((each) => doubted.has(each.instanceId) && (knows(each) || !canAsk));
  const settled = await settleDoubts(trx, settling, (id) => after.get(id));
  const bumps = await concernedFilesystems(trx, [...changes, ...settled]);
  await endConnections(trx, changes);
  if (canAsk) {
    const come = comeBy(changes);
    await doubtOlderClaims(trx, rule, come, now);
    const raised = new Map([...(await disputed(trx, rule, come, answered)), ...questions]);
    if (answered && raised.get(answered.instanceId)?.reason !== 'dispute') raised.delete(answered.instanceId);
    await askAbout(trx, schema, raised, now);
  }
  await bump(trx, schema, bumps, now);
  return bumps.map(({ id }) => id);
}

async function write(trx: Knex.Transaction, changes: readonly Change[], now: Date): Promise<void> {
  if (changes.length === 0) return;
  const written = changes.map((change) => ({ ...change, affectsAccess: affectsAccess(change) }));
  await writeInstances(trx, written, now);
}

/** Whether it is said by one who knows what exists. */
function knows({ source }: Observation): boolean {
  return source === 'compute' || source === 'host';
}

/** The instances that these observations change, as they were and as they are now, and what is asked about which. */
function observeAll(
  known: ReadonlyMap<string, KnownInstance>,
  observations: readonly Observation[],
  rule: CountingRule,
  canAsk: boolean,
): { readonly changes: readonly Change[]; readonly questions: Questions } {
  const changes = new Map<string, Change>();
  const questions = new Map<string, RaisedQuestion>();
  for (const said of observations) {
    const id = said.instanceId;
    const earlier = changes.get(id) ?? null;
    const present = earlier?.after ?? known.get(id) ?? null;
    const { after, raised } = observeOne(present, said, rule, canAsk);
    if (after !== present) changes.set(id, joined(earlier, { before: present, after, cause: said.cause }));
    if (raised) questions.set(id, raised);
    else if (after.state?.value === 'gone') questions.delete(id);
  }
  return { changes: [...changes.values()], questions };
}

/** Two changes as one; the cause is that of the later which touched access. */
function joined(earlier: Change | null, later: Change): Change {
  if (!earlier) return later;
  return { ...later, before: earlier.before, cause: affectsAccess(later) ? later.cause : earlier.cause };
}

/** What is known after one more observation, and what is to be asked because of it. */
function observeOne(
  present: KnownInstance | null,
  said: Observation,
  rule: CountingRule,
  canAsk: boolean,
): { readonly after: KnownInstance; readonly raised: RaisedQuestion | null } {
  const { holds, claims } =
    canAsk && said.source === 'events' ? withoutGrants(present, said) : { holds: said, claims: false };
  const after = observe(present, holds);
  return { after, raised: claims ? CLAIM : questionAfter(present, after, holds, rule) };
}

const CLAIM = question('claim', { isNews: true });

/**
 * All who claim an address that somebody else claims as well, among the addresses that have come; and the one that was asked
 * about, if its dispute goes on.
 */
async function disputed(
  trx: Knex.Transaction,
  rule: CountingRule,
  come: readonly Come[],
  answered: Answered | null,
): Promise<Questions> {
  const addresses = come.map(({ address }) => address);
  const ids = await disputants(trx, rule, addresses, answered?.instanceId ?? null);
  return new Map(
    ids.map((id) => [
      id,
      { ...question('dispute'), delayMilliseconds: id === answered?.instanceId ? answered.againMilliseconds : 0 },
    ]),
  );
}

/** A connection ends by itself when the instance is deleted; a soft-deleted one keeps its own (docs/api.md, "Instances"). */
async function endConnections(trx: Knex.Transaction, changes: readonly Change[]): Promise<void> {
  const gone = changes.filter(({ after }) => after.state?.value === 'gone').map(({ after }) => after.id);
  if (gone.length > 0) await trx('connections').whereIn('instance_id', gone).delete();
}
