import type { Observation } from '../domain/instance';
import type { QuestionReason } from '../domain/trust';
import type { Clock } from '../ports/clock';
import type { Question, QuestionStore } from '../ports/directory-store';
import { type Database, lockExclusively } from './database';
import { applyObservations, type DirectoryOptions } from './observations';
import { after } from './release';

/** A question is left to the process that took it for so long: longer than an answer of Compute may take. */
const LEASE_MILLISECONDS = 60_000;

interface QuestionRow {
  readonly id: string;
  readonly ask_reason: QuestionReason;
  readonly ask_failures: number;
  readonly ask_token: string;
}

/** What Compute is to be asked, in Postgres: the instances' own rows are the queue, as the filesystems' are of the reconciler. */
export class PostgresQuestions implements QuestionStore {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly options: DirectoryOptions,
  ) {}

  async take(limit: number, missingLimit: number): Promise<readonly Question[]> {
    const now = this.clock.now();
    // without the advisory lock: nothing of this decides about access
    const rows = await this.database.query<QuestionRow>(
      `with others as materialized ${dueSql(false, '$3')}, missing as materialized ${dueSql(true, '$4')},
       due as (table others union all table missing)
       update instances i set ask_next = $2, asked = $1, ask_token = i.ask_token + 1 from due where i.id = due.id
       returning i.id, i.ask_reason, i.ask_failures, i.ask_token`,
      [now, after(now, LEASE_MILLISECONDS), limit, missingLimit],
    );
    return rows.map(({ id, ask_reason: reason, ask_failures: failures, ask_token: token }) => ({
      instanceId: id,
      reason,
      failures,
      token: BigInt(token),
    }));
  }

  async answer({ instanceId, token, failures }: Question, observation: Observation): Promise<readonly string[]> {
    const { database, clock, options } = this;
    return database.transaction(async (trx) => {
      await lockExclusively(trx, database.schema);
      const now = clock.now();
      // a question that was raised since it was taken stays open
      await trx.raw(
        `update instances set ask_next = null, ask_failures = ask_failures + 1
         where id = :instanceId and ask_token = :token`,
        { instanceId, token: String(token) },
      );
      return applyObservations(trx, database.schema, options, [observation], now, {
        instanceId,
        failures,
      });
    });
  }

  async postpone({ instanceId, token }: Question, delayMilliseconds: number): Promise<void> {
    await this.database.query(
      `update instances set ask_next = $3, ask_failures = ask_failures + 1 where id = $1 and ask_token = $2`,
      [instanceId, String(token), after(this.clock.now(), delayMilliseconds)],
    );
  }

  async nextDue(): Promise<Date | null> {
    const [row] = await this.database.query<{ due: Date | null }>(
      `select least(
         (select min(ask_next) from instances where (ask_reason = 'missing') = false and ask_next is not null),
         (select min(ask_next) from instances where (ask_reason = 'missing') = true and ask_next is not null)
       ) as due`,
      [],
    );
    return row?.due ?? null;
  }
}

/** Those about instances that a resync did not find, or the others. */
function dueSql(isMissing: boolean, most: string): string {
  return `(
    select id from instances
    where (ask_reason = 'missing') = ${isMissing} and ask_next <= $1
    order by ask_next limit ${most} for no key update skip locked
  )`;
}
