// The process that is measured by event.mjs, bus.mjs and cutoff.mjs: the router, the reconciler and the driver, as a gateway has them.
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';

const require = createRequire(import.meta.url);
const { createSharedFilesystemExtension } = require('../dist/lib/index.js');
const { startEmbeddedPostgres } = require('../dist/lib/store/embedded-postgres.js');

const folder = mkdtempSync(join(tmpdir(), 'bench-'));
const postgres = await startEmbeddedPostgres(join(folder, 'postgres'));
const extension = await createSharedFilesystemExtension({
  database: { connectionString: postgres.url() },
  identity: ({ url }) => ({ projectId: url.split('/')[2] ?? 'p0', userId: null, roles: ['admin'], isAdmin: true }),
  networks: null,
  messageBus: process.env.BENCH_AMQP_URL && {
    url: process.env.BENCH_AMQP_URL,
    exchanges: [process.env.BENCH_EXCHANGE],
    queue: process.env.BENCH_QUEUE,
    notifications: 'versioned',
  },
  backends: [
    process.env.BENCH_BACKEND
      ? JSON.parse(process.env.BENCH_BACKEND)
      : {
          name: 'default',
          driver: 'nfs',
          server: 'exports-file',
          volumes: { kind: 'directory', root: join(folder, 'volumes') },
          exports: { directory: join(folder, 'exports'), exportAddress: '192.0.2.1' },
        },
  ],
});
await extension.start();
const app = express();
app.use('/v1.1/:tenant', extension.router);
const server = app.listen(0, '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
process.send({ port: server.address().port, folder });
process.once('message', async () => {
  server.close();
  server.closeAllConnections();
  await extension.stop();
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
});
