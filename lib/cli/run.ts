import { once } from 'node:events';
import * as path from 'node:path';
import { type Gateway, openGateway } from '../gateway/gateway';
import type { Settings } from '../gateway/settings';
import type { Logger } from '../ports/host';
import type { EmbeddedPostgres } from '../store/embedded-postgres';
import { announcement, withoutPassword } from './announcement';

/**
 * Serves until the signal aborts, then stops in order: requests, extensions, Postgres last.
 * @param announce tells the person at the terminal
 * @throws Error with words for the operator; everything that was started is stopped then
 */
export async function run(
  settings: Settings,
  version: string,
  logger: Logger,
  announce: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const gateway = await openGateway(settings, logger);
  const resync = () => gateway.resync();
  // before anybody is told that it runs: until then the signal would end it
  process.on('SIGUSR2', resync);
  logger.debug({ url: gateway.url }, 'starting');
  const postgres = settings.databaseUrl === null ? startPostgres(settings) : null;
  try {
    const connectionString = settings.databaseUrl ?? (await postgres)?.url() ?? '';
    if (!signal.aborted) await gateway.serve(connectionString, signal);
    if (signal.aborted) return;
    await tell(gateway, settings, version, logger, announce);
    if (!signal.aborted) await once(signal, 'abort');
    logger.info({}, 'stopping');
  } catch (error) {
    // Ctrl-C reaches Postgres as well, while it is being made: no failure then.
    if (!signal.aborted) throw error;
  } finally {
    process.off('SIGUSR2', resync);
    await gateway.stop();
    await postgres?.then((server) => server.stop()).catch(() => {});
  }
  logger.info({}, 'stopped');
}

function startPostgres({ dataDirectory }: Settings): Promise<EmbeddedPostgres> {
  // Not before the port is ours, and not loaded where DATABASE_URL is set.
  const { startEmbeddedPostgres } =
    require('../store/embedded-postgres') as typeof import('../store/embedded-postgres');
  return startEmbeddedPostgres(path.join(dataDirectory, 'postgres-18'));
}

async function tell(
  gateway: Gateway,
  settings: Settings,
  version: string,
  logger: Logger,
  announce: (text: string) => void,
): Promise<void> {
  const { url } = gateway;
  const { databaseUrl, dataDirectory, development } = settings;
  const database = databaseUrl
    ? withoutPassword(databaseUrl)
    : `embedded Postgres in ${path.join(dataDirectory, 'postgres-18')}`;
  const backends = await gateway.backends();
  announce(announcement({ version, url, database, backends, settings }));
  logger.info({ version, url, database, backends }, 'listening');
  if (settings.networks === undefined) logger.warn({}, 'NETWORKS is not set: no address counts, nobody is let in');
  if (development) logger.warn({}, 'IDENTITY=development takes everybody for an administrator: for development alone');
}
