import { randomUUID } from 'node:crypto';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import type { Registry } from 'prom-client';
import type { IdentityOf, Logger } from '../ports/host';
import { fault } from './answers';
import { discoveryRouter } from './discovery';
import { healthz, metricsPage, readyz, type Served } from './health';
import type { ExtensionRegistry } from './registry';
import { versionDetail, versionList } from './versions';

/** What the app is made of. */
export interface AppOptions {
  readonly registry: ExtensionRegistry;
  readonly identity: IdentityOf;
  readonly metrics: Registry;
  readonly logger: Logger;
  /** How clients reach the gateway, without a slash at its end. */
  readonly base: () => string;
  readonly served: () => Served;
}

/**
 * The gateway's Express app: what clients ask of a Compute endpoint, what operators ask, and the extensions, which are looked
 * up at each request because the app listens before they are loaded.
 */
export function createApp({ registry, identity, metrics, logger, base, served }: AppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  app.use(named, decodable);
  app.all('/', versionList(base));
  app.all('/v1.1', versionDetail(base));
  app.all('/healthz', healthz);
  app.all('/readyz', readyz(served));
  app.all('/metrics', metricsPage(metrics));
  app.use((_request, response, next) => {
    if (served().started) next();
    else fault(response, 503, 'The service is starting.');
  });
  app.use('/v1.1/:tenant', discoveryRouter(registry, identity));
  app.use(mounted(served));
  app.use((_request, response) => fault(response, 404, 'The resource could not be found.'));
  app.use(failed(logger));
  return app;
}

/** Every answer has a request id, an extension's too: it finds it at `request.id`. */
const named: RequestHandler = (request, response, next) => {
  const id = `req-${randomUUID()}`;
  Object.assign(request, { id });
  response.setHeader('X-Openstack-Request-Id', id);
  response.setHeader('X-Compute-Request-Id', id);
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('Vary', 'X-Auth-Token');
  next();
};

const decodable: RequestHandler = ({ path }, response, next) => {
  try {
    decodeURIComponent(path);
  } catch {
    return fault(response, 400, 'The path cannot be decoded.');
  }
  next();
};

/** Made once, when everything is loaded: routes in the order of the manifests. */
function mounted(served: () => Served): RequestHandler {
  let all: express.Router | undefined;
  return (request, response, next) => {
    if (!all) {
      all = express.Router({ caseSensitive: true });
      for (const { mountPath, router } of served().extensions) all.use(mountPath, router);
    }
    all(request, response, next);
  };
}

/** Never HTML, and of a failure within nothing. An extension's own middleware may say which fault of the caller's it was. */
function failed(logger: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error);
    if (isHttpError(error)) return fault(response, error.status, error.message);
    logger.error({ err: error, requestId: Reflect.get(request, 'id'), method: request.method }, 'request failed');
    fault(response, 500, 'The server has either erred or is incapable of performing the requested operation.');
  };
}

/** As Express and its middleware throw them: `expose` says that the message is meant for the caller. */
function isHttpError(error: unknown): error is Error & { readonly status: number } {
  if (!(error instanceof Error) || !('status' in error) || !('expose' in error)) return false;
  return error.expose === true && typeof error.status === 'number' && error.status >= 400 && error.status < 500;
}
