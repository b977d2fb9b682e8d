import type { Request } from 'express';
import { InvalidInput, Unavailable } from '../domain/errors';
import type { Identity } from '../domain/identity';
import type { Caller } from '../domain/permission';
import { HttpFault } from './faults';
import type { HttpServices } from './services';

const LONGEST_MILLISECONDS = 10_000;

/**
 * Finds out who is calling, and in whose URL (docs/api.md, "Who may do what").
 * @throws HttpFault 401, InvalidInput when the URL is another tenant's, Unavailable when the host does not tell in 10 s
 */
export async function authenticate(services: HttpServices, request: Request): Promise<Caller> {
  const identity = await identityOf(services, request);
  if (!identity?.projectId)
    throw new HttpFault(401, 'This request needs an identity: it has none, or none with a project.');
  const tenantId = String(request.params.tenant);
  if (!identity.isAdmin && tenantId !== identity.projectId)
    throw new InvalidInput(
      `Malformed request URL: URL's project_id '${tenantId}' doesn't match Context's project_id '${identity.projectId}'`,
    );
  const { projectId, userId, roles, isAdmin } = identity;
  return { projectId, userId: userId ?? null, roles: roles ?? [], isAdmin, tenantId };
}

async function identityOf({ identity, clock }: HttpServices, request: Request): Promise<Identity | null> {
  const found = identity(request);
  if (!(found instanceof Promise)) return found;
  const over = new AbortController();
  const late = clock.sleep(LONGEST_MILLISECONDS, over.signal).then(() => {
    throw new Unavailable('Who is calling could not be found out in time; try again later.');
  });
  // the identity came first
  late.catch(() => undefined);
  return Promise.race([found, late]).finally(() => over.abort());
}
