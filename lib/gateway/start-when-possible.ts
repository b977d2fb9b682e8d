import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../ports/host';

const AGAIN_MILLISECONDS = 1_000;

/** A database that is out of reach is waited for, as at any other time, and said once; what else fails ends the start. */
export async function startWhenPossible(
  start: () => Promise<void>,
  facts: object,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  let said = '';
  while (!signal.aborted) {
    try {
      return await start();
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'Unavailable') throw error;
      if (said !== error.message) logger.warn({ err: error, ...facts }, 'waiting to start');
      said = error.message;
      await delay(AGAIN_MILLISECONDS, undefined, { signal }).catch(() => {});
    }
  }
}
