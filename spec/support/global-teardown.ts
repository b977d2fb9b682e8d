import { rm } from 'node:fs/promises';
import { dropDatabasesOfThisRun } from './database';

/** Leaves nothing: no server, no files, no databases on a server that is not ours. */
export default async function teardown(): Promise<void> {
  const running = globalThis.specServer;
  if (!running) return dropDatabasesOfThisRun();
  await running.server.stop();
  await rm(running.dir, { recursive: true, force: true });
}
