import { Conflict, InvalidInput } from './errors';
import type { Filesystem, Scope } from './filesystem';
import type { Size } from './size';

/** What a PUT asks for (docs/api.md, "PUT is declarative"). */
export interface WantedFilesystem {
  readonly size: Size;
  readonly scope: Scope;
  /** Undefined: not said. */
  readonly project?: string | undefined;
}

/** The attributes that a user sets. */
export interface Attributes {
  readonly size: Size;
  readonly scope: Scope;
  readonly project: string | null;
}

/** What is to be done for a PUT. */
export type Plan =
  | { readonly kind: 'create'; readonly attributes: Attributes }
  | {
      readonly kind: 'change';
      readonly attributes: Attributes;
      /** Explicit connections end: the scope leaves `instance`, so that it starts empty when it comes back. */
      readonly endConnections: boolean;
      /** Somebody may lose access. False: it only grows, or stays. */
      readonly withdraws: boolean;
    }
  /** The same attributes again, on status `error`: one immediate retry. */
  | { readonly kind: 'retry' }
  | { readonly kind: 'nothing' };

/**
 * What a PUT does to what there is.
 * @param existing null when there is none; never one whose deletion is wanted
 * @throws InvalidInput when `project` goes with another scope, Conflict when the size is below what is known to be in use
 */
export function planPut(existing: Filesystem | null, wanted: WantedFilesystem, owner: string): Plan {
  const attributes: Attributes = {
    scope: wanted.scope,
    project: wantedProject(existing, wanted, owner),
    // The same bytes in another spelling are no change: the first spelling stays.
    size: existing?.size.bytes === wanted.size.bytes ? existing.size : wanted.size,
  };
  if (!existing) return { kind: 'create', attributes };

  const resized = existing.size.bytes !== attributes.size.bytes;
  if (resized) refuseBelowUse(existing, attributes.size);
  const scopeChanged = existing.scope !== attributes.scope;
  if (!resized && !scopeChanged && existing.project === attributes.project)
    return existing.status === 'error' ? { kind: 'retry' } : { kind: 'nothing' };
  return {
    kind: 'change',
    attributes,
    endConnections: scopeChanged && existing.scope === 'instance',
    withdraws: attributes.scope !== 'global' && (scopeChanged || existing.project !== attributes.project),
  };
}

/** An absent project means unchanged, or the owner where there was none. */
function wantedProject(existing: Filesystem | null, { scope, project }: WantedFilesystem, owner: string) {
  requireProjectWithScope({ scope, project });
  return scope === 'project' ? (project ?? existing?.project ?? owner) : null;
}

/** @throws InvalidInput when `project` goes with another scope than `project` */
export function requireProjectWithScope({ scope, project }: Pick<WantedFilesystem, 'scope' | 'project'>): void {
  if (scope !== 'project' && project !== undefined)
    throw new InvalidInput(`fs_entry.project goes with scope "project" alone: leave it out for scope "${scope}".`);
}

function refuseBelowUse({ name, size, usedBytes }: Filesystem, wanted: Size): void {
  if (wanted.bytes < size.bytes && usedBytes !== null && wanted.bytes < usedBytes)
    throw new Conflict(
      `Filesystem ${name} holds ${usedBytes} bytes, more than ${wanted.text}: delete data first, or ask for a larger size.`,
    );
}
