import type { BackendStore } from '../ports/backend-store';
import type { Clock } from '../ports/clock';
import type { Driver } from '../ports/driver';
import type { Logger } from '../ports/host';
import type { BackendHealth } from './backend-health';

const EVERY_MILLISECONDS = 60_000;
/** Until it is looked again whether the backend is up. */
const WAIT_MILLISECONDS = 2_000;

/** Tells every minute what there is of storage, until the signal aborts: new filesystems go where there is most. */
export async function tellRoom(
  backends: Pick<BackendStore, 'tellRoom'>,
  driver: Pick<Driver, 'room'>,
  health: Pick<BackendHealth, 'served' | 'status'>,
  clock: Clock,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const { name } = health.served;
  while (!signal.aborted) {
    const isUp = health.status.state === 'up';
    try {
      if (isUp) await backends.tellRoom(name, await driver.room(signal));
    } catch (error) {
      if (!signal.aborted) logger.debug({ err: error, backend: name }, 'room not told');
    }
    await clock.sleep(isUp ? EVERY_MILLISECONDS : WAIT_MILLISECONDS, signal);
  }
}
