import type { AccessLogStore } from '../ports/access-log-store';
import type { Clock } from '../ports/clock';
import type { InstanceStore } from '../ports/directory-store';
import type { Logger } from '../ports/host';

/** How long an instance that is gone is remembered, so that a late message cannot bring it back (docs/architecture.md, "Tables"). */
const TOMBSTONE_MILLISECONDS = 24 * 3_600_000;
const DAY_MILLISECONDS = 24 * 3_600_000;
const CLOCK_MILLISECONDS = 60_000;
const PRUNE_EVERY = 60;

/** What a process does beside its work: measures Postgres' time every minute, every hour forgets what is too old. */
export async function keepHouse(
  clock: Clock,
  measureClock: () => Promise<void>,
  instances: Pick<InstanceStore, 'prune'>,
  accessLog: Pick<AccessLogStore, 'prune'>,
  accessLogRetentionDays: number,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  for (let minute = 0; !signal.aborted; minute += 1) {
    try {
      if (minute > 0) await measureClock();
      if (minute % PRUNE_EVERY === 0) {
        const goneBefore = new Date(clock.now().getTime() - TOMBSTONE_MILLISECONDS);
        while (!signal.aborted && (await instances.prune(goneBefore)) > 0);
        await accessLog.prune(new Date(clock.now().getTime() - accessLogRetentionDays * DAY_MILLISECONDS), signal);
      }
    } catch (error) {
      logger.debug({ err: error }, 'housekeeping postponed');
    }
    await clock.sleep(CLOCK_MILLISECONDS, signal);
  }
}
