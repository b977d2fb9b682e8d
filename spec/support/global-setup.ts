import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { thisProcess } from '../../lib/process-identity';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../lib/store/embedded-postgres';

const PREFIX = 'nsfs-spec-';
const OWNER = 'owner';

/** What the teardown takes down again. */
interface RunningServer {
  readonly dir: string;
  readonly server: EmbeddedPostgres;
}

declare global {
  var specServer: RunningServer | undefined;
}

/** One Postgres for the run, or the one that TEST_DATABASE_URL names. */
export default async function setup(): Promise<void> {
  // The databases of this run, on a server that others may use as well.
  process.env.SPEC_RUN = `spec_${randomBytes(4).toString('hex')}`;
  if (process.env.TEST_DATABASE_URL) return;
  await removeWhatKilledRunsLeft();
  const dir = await mkdtemp(path.join(tmpdir(), PREFIX));
  await writeFile(path.join(dir, OWNER), thisProcess().text);
  const server = await startEmbeddedPostgres(dir, {
    settings: { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off', max_connections: '200' },
  });
  globalThis.specServer = { dir, server };
  process.env.TEST_DATABASE_URL = server.url();
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
