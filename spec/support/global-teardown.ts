import { rm } from 'node:fs/promises';
import { dropDatabasesOfThisRun } from './database';

/** Leaves nothing: no server, no files, no databases on a server that is not ours. */
export default async function teardown(): Promise<void> {
  await (globalThis.specServer?.stop() ?? dropDatabasesOfThisRun());
  if (process.env.SPEC_FOLDER) await rm(process.env.SPEC_FOLDER, { recursive: true, force: true });
}
