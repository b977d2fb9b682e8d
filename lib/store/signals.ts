import { Client } from 'pg';
import type { Clock } from '../ports/clock';
import type { Logger } from '../ports/host';
import type { Listener, Signals } from '../ports/signals';
import type { Database } from './database';

/** Between attempts to listen again. */
const RETRY_MILLISECONDS = 1_000;

/** What a request for a count of the used space is notified with. Without payload: something is due; else a filesystem's id. */
export const USAGE_PAYLOAD = 'usage';

/** What a question to Compute is notified with. */
export const QUESTION_PAYLOAD = 'question';

/** `LISTEN` on one connection of its own, the channel named as the schema. */
export class PostgresSignals implements Signals {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  async listen(on: Listener, signal: AbortSignal): Promise<void> {
    let failed = false;
    while (!signal.aborted) {
      try {
        await this.#listenOnce(
          on,
          () => {
            if (failed) this.logger.info({}, 'listening to the database again');
            failed = false;
          },
          signal,
        );
      } catch (error) {
        if (signal.aborted) return;
        if (!failed) this.logger.warn({ err: error }, 'not listening to the database: the poll finds what is due');
        failed = true;
        await this.clock.sleep(RETRY_MILLISECONDS, signal);
      }
    }
  }

  /** Returns at the abort, throws when the connection is lost. */
  async #listenOnce(on: Listener, listening: () => void, signal: AbortSignal): Promise<void> {
    const client = new Client({
      connectionString: this.database.connectionString,
      application_name: 'nova-shared-filesystem signals',
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
    });
    const ended = new Promise<void>((resolve, reject) => {
      client.on('error', reject);
      client.on('end', () => (signal.aborted ? resolve() : reject(new Error('the connection ended'))));
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    // awaited below; it may be lost before that
    ended.catch(() => undefined);
    client.on('notification', ({ payload }) => {
      if (!payload) on.due();
      else if (payload === USAGE_PAYLOAD) on.usageWanted();
      else if (payload === QUESTION_PAYLOAD) on.questionRaised();
      else on.changed(payload);
    });
    try {
      await client.connect();
      await client.query(`listen ${client.escapeIdentifier(this.database.schema)}`);
      listening();
      on.due();
      await ended;
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}
