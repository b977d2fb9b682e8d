// The process that is measured by resync.mjs: `bare` reads all pages, `resync` is the extension.
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';

const require = createRequire(import.meta.url);
const [mode, url] = process.argv.slice(2);
const done = (result) => process.send({ ...result, megabytes: Math.round(process.resourceUsage().maxRSS / 1024) }, () => process.exit(0));
const begun = performance.now();

if (mode === 'bare') {
  for (let marker = ''; ; ) {
    const answer = await fetch(`${url}/servers/detail?all_tenants=1&limit=1000${marker && `&marker=${marker}`}`, { headers: { 'X-Auth-Token': 'admin-token' } });
    const { servers, servers_links: links } = await answer.json();
    if (!links) break;
    marker = servers.at(-1).id;
  }
  done({ first: (performance.now() - begun) / 1_000 });
} else {
  const { createSharedFilesystemExtension } = require('../dist/lib/index.js');
  const { startEmbeddedPostgres } = require('../dist/lib/store/embedded-postgres.js');
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const postgres = await startEmbeddedPostgres(join(folder, 'postgres'));
  const extension = await createSharedFilesystemExtension({
    database: { connectionString: postgres.url() },
    identity: () => null,
    networks: ['10.0.0.0/8'],
    compute: { url, token: 'admin-token' },
    resyncIntervalSeconds: 86_400,
  });
  await extension.start();
  const ended = async (after) => {
    for (;;) {
      const last = (await extension.status()).compute.resync;
      if (last && last.ended.getTime() > after) {
        if (last.outcome !== 'complete') throw new Error(`${last.outcome}: ${last.message}`);
        return (last.ended - last.begun) / 1_000;
      }
      await wait(100);
    }
  };
  const first = await ended(0);
  const between = Date.now();
  extension.instances.resync();
  const second = await ended(between);
  await extension.stop();
  await postgres.stop();
  rmSync(folder, { recursive: true });
  done({ first, second });
}
