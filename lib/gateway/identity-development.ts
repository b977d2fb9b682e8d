import type { IncomingMessage } from 'node:http';
import type { Identity } from '../domain/identity';
import { ADMINISTRATOR, rolesOf, singleHeader } from './identity-of-headers';

/**
 * Takes the caller for an administrator of the tenant in the URL. `X-Project-Id`, `X-User-Id` and `X-Roles` each replace
 * their own part, so that `curl` can be anybody: for development alone (docs/configuration.md, `IDENTITY`).
 * @returns null when neither the URL nor a header names a project
 */
export function developmentIdentity(request: IncomingMessage): Identity | null {
  const projectId = singleHeader(request, 'x-project-id') ?? tenantOf(request);
  if (!projectId) return null;
  const roles = rolesOf(request) ?? [ADMINISTRATOR];
  const userId = singleHeader(request, 'x-user-id') ?? 'development';
  return { projectId, userId, roles, isAdmin: roles.includes(ADMINISTRATOR) };
}

/** The second part of the path as it was sent: a router that is mounted below it sees a shorter `url`. */
function tenantOf(request: IncomingMessage & { readonly originalUrl?: string }): string | null {
  const [, , tenant = ''] = (request.originalUrl ?? request.url ?? '').split(/[?#]/, 1)[0]?.split('/') ?? [];
  try {
    return decodeURIComponent(tenant);
  } catch {
    return null;
  }
}
