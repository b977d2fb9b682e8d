import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { thisProcess } from '../../lib/process-identity';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../lib/store/embedded-postgres';

const PREFIX = 'nsfs-spec-';
const OWNER = 'owner';

declare global {
  var specServer: EmbeddedPostgres | undefined;
}

/** A temporary folder for the run, and in it one Postgres, if TEST_DATABASE_URL does not name one. */
export default async function setup(): Promise<void> {
  await removeWhatKilledRunsLeft();
  const folder = await mkdtemp(path.join(tmpdir(), PREFIX));
  await writeFile(path.join(folder, OWNER), thisProcess().text);
  await chmod(folder, 0o711); // specs start processes of other users
  process.env.SPEC_FOLDER = folder;
  // The databases of this run, on a server that others may use as well.
  process.env.SPEC_RUN = `spec_${randomBytes(4).toString('hex')}`;
  if (process.env.TEST_DATABASE_URL) return;
  globalThis.specServer = await startEmbeddedPostgres(path.join(folder, 'postgres'), {
    settings: { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off', max_connections: '200' },
  });
  process.env.TEST_DATABASE_URL = globalThis.specServer.url();
}

async function removeWhatKilledRunsLeft(): Promise<void> {
  const self = thisProcess();
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(PREFIX)) continue;
    const dir = path.join(tmpdir(), name);
    const owner = await readFile(path.join(dir, OWNER), 'utf8').catch(() => null);
    if (owner !== null && self.isDead(owner)) await rm(dir, { recursive: true, force: true }).catch(() => undefined);
  }
}
