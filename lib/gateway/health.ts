import type { RequestHandler } from 'express';
import type { Registry } from 'prom-client';
import { answer, isRead } from './answers';
import type { LoadedExtension } from './loaded-extension';

/** What the gateway has; empty and not started while it starts. */
export interface Served {
  readonly extensions: readonly LoadedExtension[];
  readonly started: boolean;
}

/** `/healthz`: 200 while the process works. */
export const healthz: RequestHandler = (request, response) => {
  if (isRead(request, response)) answer(response, 200, { status: 'ok' });
};

/**
 * `/readyz`: 200 when requests can be served, else 503. What else is wrong, a backend that is down, is a detail of the answer.
 */
export function readyz(served: () => Served): RequestHandler {
  return async (request, response) => {
    if (!isRead(request, response)) return;
    const { extensions, started } = served();
    const details = await Promise.all(
      extensions.map(async (extension) => ({ alias: extension.entry.alias, ...(await extension.status()) })),
    );
    const ready = started && details.every((detail) => detail.ready !== false);
    if (!ready) response.setHeader('Retry-After', '1');
    answer(response, ready ? 200 : 503, { ready, extensions: details });
  };
}

/** `/metrics`, in the text format of Prometheus. */
export function metricsPage(registry: Registry): RequestHandler {
  return async (request, response) => {
    if (!isRead(request, response)) return;
    const text = await registry.metrics();
    response.setHeader('Content-Type', registry.contentType);
    response.end(request.method === 'HEAD' ? undefined : text);
  };
}
