import createKnex, { type Knex } from 'knex';
import type { ClientBase, QueryResultRow } from 'pg';
import { DomainError, Unavailable } from '../domain/errors';
import { errorCode } from '../error-code';

export interface DatabaseOptions {
  readonly connectionString: string;
  /** `shared_filesystem` by default: a schema of its own in the host's database. */
  readonly schema?: string | undefined;
  /** Connections at most; 10 by default. */
  readonly poolSize?: number | undefined;
}

/** What runs statements with `$1` parameters: the pool, or one transaction. */
export type Querier = Pick<Database, 'query'>;

const RETRIES = 8;
const SERIALIZATION_FAILURE = '40001';
const DEADLOCK = '40P01';
const UNIQUE_VIOLATION = '23505';

/** Postgres, through knex. Everything that this service stores is in one schema, which is the search path. */
export class Database {
  readonly knex: Knex;
  readonly schema: string;
  readonly connectionString: string;
  #closed = false;

  /** @throws Error when the schema's name is none */
  constructor({ connectionString, schema = 'shared_filesystem', poolSize = 10 }: DatabaseOptions) {
    if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema))
      throw new Error(`Invalid schema "${schema}": expected a lower-case name such as "shared_filesystem".`);
    this.schema = schema;
    this.connectionString = connectionString;
    this.knex = createKnex({
      client: 'pg',
      connection: {
        connectionString,
        application_name: 'nova-shared-filesystem',
        connectionTimeoutMillis: 5_000,
        // A statement that takes longer is a fault: none may hold the advisory lock for good.
        statement_timeout: 60_000,
        idle_in_transaction_session_timeout: 60_000,
      } as Knex.PgConnectionConfig,
      searchPath: [schema],
      pool: { min: 0, max: poolSize },
      acquireConnectionTimeout: 10_000,
      asyncStackTraces: false,
      // who asked is told; knex would write to the console
      log: { warn: () => {}, error: () => {}, debug: () => {}, deprecate: () => {} },
    });
  }

  /**
   * Runs one statement with `$1` parameters on a pooled connection. With a name it is prepared once a connection: for the
   * hot reads, where building a query costs more than sending it (docs/performance.md).
   * @throws Unavailable when Postgres is out of reach
   */
  async query<Row extends QueryResultRow>(text: string, values: readonly unknown[], name?: string): Promise<Row[]> {
    return this.connection(async (connection) => {
      const { rows } = await connection.query<Row>({ text, values: [...values], ...(name ? { name } : {}) });
      return rows;
    });
  }

  /** Lends a pooled connection of pg's own. */
  async connection<Result>(work: (connection: ClientBase) => Promise<Result>): Promise<Result> {
    const { client } = this.knex;
    let connection: ClientBase | undefined;
    try {
      connection = (await client.acquireConnection()) as ClientBase;
      return await work(connection);
    } catch (error) {
      throw outage(error);
    } finally {
      if (connection) await client.releaseConnection(connection);
    }
  }

  /**
   * Runs `work` in a transaction of read committed, again after a serialization failure, a deadlock, or when another
   * transaction took a unique value first: so `work` must have no effect but on the database.
   * @throws Unavailable when Postgres is out of reach
   */
  async transaction<Result>(work: (trx: Knex.Transaction) => Promise<Result>): Promise<Result> {
    return this.#again(() => this.knex.transaction(work));
  }

  /** As `transaction`, and nothing of it stays: it is rolled back when `work` has ended, and nobody is notified. */
  async rehearsal<Result>(work: (trx: Knex.Transaction) => Promise<Result>): Promise<Result> {
    return this.#again(async () => {
      const trx = await this.knex.transaction();
      try {
        return await work(trx);
      } finally {
        await trx.rollback();
      }
    });
  }

  /** Reads several things of one snapshot. @throws Unavailable when Postgres is out of reach */
  async snapshot<Result>(work: (querier: Querier) => Promise<Result>): Promise<Result> {
    const options = { isolationLevel: 'repeatable read', readOnly: true } as const;
    return this.#again(() => this.knex.transaction((trx) => work(within(trx)), options));
  }

  async #again<Result>(attempt: () => Promise<Result>): Promise<Result> {
    for (let made = 1; ; made += 1) {
      try {
        return await attempt();
      } catch (error) {
        if (made >= RETRIES || !isRetryable(error)) throw outage(error);
      }
    }
  }

  /** Opens again what was closed. */
  open(): void {
    if (this.#closed) this.knex.initialize();
    this.#closed = false;
  }

  /** Closes all connections. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.knex.destroy();
  }
}

/** Runs statements in a transaction, prepared ones too. */
export function within(trx: Knex.Transaction): Querier {
  return {
    query: async <Row extends QueryResultRow>(text: string, values: readonly unknown[], name?: string) => {
      // the transaction's own: there is nothing to give back
      const connection = (await trx.client.acquireConnection()) as ClientBase;
      const { rows } = await connection.query<Row>({ text, values: [...values], ...(name ? { name } : {}) });
      return rows;
    },
  };
}

/** The first statement of every transaction that creates a filesystem or changes scope, project or connections (rule 1). */
export async function lockShared(trx: Knex.Transaction, schema: string): Promise<void> {
  await trx.raw('select pg_advisory_xact_lock_shared(hashtextextended(?, 0))', [schema]);
}

/** The first statement of every transaction that writes instances or their addresses (rule 1). */
export async function lockExclusively(trx: Knex.Transaction, schema: string): Promise<void> {
  await trx.raw('select pg_advisory_xact_lock(hashtextextended(?, 0))', [schema]);
}

function isRetryable(error: unknown): boolean {
  return [SERIALIZATION_FAILURE, DEADLOCK, UNIQUE_VIOLATION].includes(errorCode(error));
}

/** SQLSTATE classes and system errors that mean: not the statement's fault, ask again later. Tables that are not there yet too. */
const OUTAGE =
  /^(08|53|57P|58|E(CONN|PIPE|NOENT|NOTFOUND|HOST|NET|AI_|TIMEDOUT))|^(25006|55000|57014|3D000|28P01|28000|42P01|3F000)$/;
const OUTAGE_WORDS = /Connection (terminated|ended)|timeout expired|acquir(e|ing) a connection|aborted|not queryable/i;

function outage(error: unknown): unknown {
  if (error instanceof DomainError) return error;
  if (OUTAGE.test(errorCode(error)) || (errorCode(error) === '' && OUTAGE_WORDS.test(String(error))))
    return new Unavailable('The database is out of reach; try again later.', { cause: error });
  return error;
}
