import { checkPlacement, type PlacementRule } from './domain/placement';
import { createDriver } from './drivers';
import type { BackendOptions, NamedBackend, PlacementOptions } from './ports/extension';
import type { ProcessIdentity } from './ports/process';
import type { ConfiguredBackend } from './served-backends';

/** The backends of a configuration, checked. */
export interface ConfiguredBackends {
  /** All of them, in their order. */
  readonly names: readonly string[];
  /** Those with a driver. */
  readonly served: readonly ConfiguredBackend[];
  /** Empty: new filesystems go to the first. */
  readonly placement: readonly PlacementRule[];
  /** The filers' own addresses, canonical, as far as their drivers tell them. */
  readonly ownAddresses: readonly string[];
}

/**
 * Makes the drivers, and checks that the rules can be followed. Nothing is looked at or changed yet.
 * @throws Error naming what is wrong
 */
export function configureBackends(
  backends: readonly (BackendOptions | NamedBackend)[],
  placement: readonly PlacementOptions[],
  self: ProcessIdentity,
): ConfiguredBackends {
  const names = backends.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`Two backends are named "${twice}": names are unique.`);
  const served = backends
    .filter(hasDriver)
    .map((options) => ({ options, driver: createDriver(options, { process: self }) }));
  const isolates = new Map<string, boolean | null>(names.map((name) => [name, null]));
  for (const { options, driver } of served) isolates.set(options.name, driver.capabilities.isolation === 'file-system');
  const rules = placement.map(ruleOf);
  checkPlacement(rules, isolates);
  return { names, served, placement: rules, ownAddresses: served.flatMap(({ driver }) => driver.ownAddresses) };
}

/** @throws Error when it has settings and no driver: a name alone is for others to work on */
function hasDriver(backend: BackendOptions | NamedBackend): backend is BackendOptions {
  if ('driver' in backend && backend.driver !== undefined) return true;
  if (Object.keys(backend).length > 1)
    throw new Error(
      `backend "${backend.name}": setting "driver" is missing: say which, or leave its name alone where another process works on it.`,
    );
  return false;
}

function ruleOf({ scope, project, backend, isolation }: PlacementOptions): PlacementRule {
  return {
    scope: scope ?? null,
    projects: project === undefined ? null : listOf(project),
    backends: listOf(backend),
    isolates: isolation === 'file-system',
  };
}

function listOf(one: string | readonly string[]): readonly string[] {
  return typeof one === 'string' ? [one] : one;
}
