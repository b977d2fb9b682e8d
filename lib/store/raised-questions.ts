import type { Knex } from 'knex';
import type { CountingRule } from '../domain/address';
import type { RaisedQuestion } from '../domain/trust';
import type { Come } from './doubts';
import { countsSql } from './entitlement';
import { QUESTION_PAYLOAD } from './signals';

/**
 * Has Compute asked about these instances, each no sooner than a pause after it was last asked about. A question that is open
 * already is asked at the earlier of the two moments. Wakes who asks, at the commit.
 */
export async function askAbout(
  trx: Knex.Transaction,
  schema: string,
  questions: ReadonlyMap<string, RaisedQuestion>,
  now: Date,
): Promise<void> {
  if (questions.size === 0) return;
  const rows = [...questions].map(([id, { reason, delayMilliseconds, pauseMilliseconds }]) => ({
    id,
    reason,
    pause: pauseMilliseconds / 1_000,
    at: new Date(now.getTime() + delayMilliseconds),
  }));
  await trx.raw(
    `with q as (
       select * from unnest(:ids::text[], :reasons::text[], :moments::timestamptz[], :pauses::float8[])
         as q(id, reason, at, pause)
     ),
     -- in the order of their ids, as all that locks instances
     concerned as materialized (
       select i.id from instances i join q on q.id = i.id
       where (i.state is distinct from 'gone' or q.reason = 'claim')
         -- what is open already is asked soon enough
         and (q.reason <> 'missing' or i.ask_next is null)
       order by i.id for no key update of i
     ),
     asked as (
       update instances i set
         ask_next = least(i.ask_next, greatest(q.at, i.asked + make_interval(secs => q.pause))),
         ask_reason = q.reason, ask_token = i.ask_token + 1,
         -- one that is asked again counts on, a new one begins
         ask_failures = case when q.at <= :now::timestamptz then 0 else i.ask_failures end
       from q join concerned using (id)
       where i.id = q.id
       returning 1
     )
     select pg_notify(:schema, :payload) from (select from asked limit 1) as any_asked`,
    {
      ids: rows.map(({ id }) => id),
      reasons: rows.map(({ reason }) => reason),
      moments: rows.map(({ at }) => at),
      pauses: rows.map(({ pause }) => pause),
      now,
      schema,
      payload: QUESTION_PAYLOAD,
    },
  );
}

/**
 * Live instances that claim an address beside another one, where both claims count: one of those that came, or any of the
 * instance `one`'s own, which may also be doubted still.
 */
export async function disputants(
  trx: Knex.Transaction,
  rule: CountingRule,
  come: readonly Come[],
  one: string | null,
): Promise<readonly string[]> {
  if (come.length === 0 && one === null) return [];
  const { rows } = await trx.raw<{ rows: { id: string }[] }>(
    `select distinct i.id from instance_addresses a join instances i on i.id = a.instance_id
     where (a.address = any(:addresses::inet[]) ${one === null ? '' : 'or a.instance_id = :one'})
       and i.state = 'live' and ${countsSql(rule, 'a')}
       and (${one === null ? 'false' : 'a.instance_id = :one and a.doubted is not null'} or exists (
         select from instance_addresses o join instances j on j.id = o.instance_id
         where o.address = a.address and j.id <> i.id and j.state = 'live' and ${countsSql(rule, 'o')}
       ))`,
    { addresses: come.map(({ address }) => address), ...(one === null ? {} : { one }) },
  );
  return rows.map(({ id }) => id);
}
