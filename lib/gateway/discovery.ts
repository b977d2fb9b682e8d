import { type Request, type RequestHandler, Router } from 'express';
import type { IdentityOf } from '../ports/host';
import { answer, fault, isRead } from './answers';
import type { ExtensionRegistry } from './registry';

/**
 * `/extensions` and `/extensions/{alias}` for everything that is loaded, and the specification's other spelling,
 * `/extension` (docs/api.md, "Extension discovery"). To be mounted below a tenant.
 */
export function discoveryRouter(registry: ExtensionRegistry, identityOf: IdentityOf): Router {
  const router = Router({ mergeParams: true, caseSensitive: true });
  const guard = guarded(identityOf);
  router.all(['/extensions', '/extension'], guard, (_request, response) => {
    answer(response, 200, { extensions: registry.list() });
  });
  router.all(['/extensions/:alias', '/extension/:alias'], guard, ({ params }, response) => {
    const alias = String(params.alias);
    const extension = registry.find(alias);
    if (extension) answer(response, 200, { extension });
    else fault(response, 404, `There is no extension with the alias "${alias}".`);
  });
  return router;
}

/** What comes before the answer, in the order of docs/api.md: 401, tenant, method, Accept, query. */
function guarded(identityOf: IdentityOf): RequestHandler {
  return async (request, response, next) => {
    const refusal = request.method === 'OPTIONS' ? null : await refusalOf(request, identityOf);
    if (refusal) return fault(response, ...refusal);
    if (!isRead(request, response)) return;
    if (!acceptsJson(request)) return fault(response, 406, 'Only application/json can be answered.');
    if (/\?./.test(request.url)) return fault(response, 400, 'This request takes no query parameters.');
    next();
  };
}

/** Null: the caller may ask in this tenant's URL. */
async function refusalOf(request: Request, identityOf: IdentityOf): Promise<[code: number, message: string] | null> {
  const caller = await identityOf(request);
  if (!caller?.projectId) return [401, 'The request has no valid identity.'];
  const tenant = String(request.params.tenant);
  if (caller.isAdmin || caller.projectId === tenant) return null;
  const context = `Context's project_id '${caller.projectId}'`;
  return [400, `Malformed request URL: URL's project_id '${tenant}' doesn't match ${context}`];
}

/** One that cannot be read counts as absent. */
function acceptsJson(request: Pick<Request, 'headers' | 'accepts'>): boolean {
  const { accept = '' } = request.headers;
  return !accept.includes('/') || request.accepts('application/json') !== false;
}
