import express, { type Express } from 'express';
import type { Registry } from 'prom-client';
import { answer, fault, isRead } from './answers';
import { healthz, metricsPage } from './health';

/** What an operator asks of a process that serves no API: `/healthz`, `/readyz`, `/metrics`. */
export function createHealthApp(status: () => Promise<{ readonly ready: boolean }>, metrics: Registry): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.all('/healthz', healthz);
  app.all('/readyz', async (request, response) => {
    if (!isRead(request, response)) return;
    const detail = await status();
    if (!detail.ready) response.setHeader('Retry-After', '1');
    answer(response, detail.ready ? 200 : 503, detail);
  });
  app.all('/metrics', metricsPage(metrics));
  app.use((_request, response) => fault(response, 404, 'The resource could not be found.'));
  return app;
}
