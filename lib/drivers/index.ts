import type { Driver } from '../ports/driver';
import type { BackendOptions } from '../ports/extension';
import type { ProcessIdentity } from '../ports/process';
import { createGlusterDriver } from './gluster';
import { createManilaDriver } from './manila';
import { createNfsDriver } from './nfs';
import { Settings } from './settings';

type Constructor = (settings: Settings, text: string, self: ProcessIdentity) => Driver;

/** All drivers, by the name that a backend's `driver` has. */
const DRIVERS: ReadonlyMap<string, Constructor> = new Map<string, Constructor>([
  ['gluster', createGlusterDriver],
  ['manila', createManilaDriver],
  ['nfs', createNfsDriver],
]);

/**
 * Makes the driver of a backend. Nothing is looked at or changed yet.
 * @param self carried by locks, so that those of a process that was killed are free
 * @throws Error naming a setting that is wrong, and what it should be
 */
export function createDriver(
  options: BackendOptions,
  { process: self }: { readonly process: ProcessIdentity },
): Driver {
  const settings = new Settings(options, `backend "${options.name}"`);
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(settings.text('name')))
    throw settings.wrong('name', 'expected 1 to 63 of A-Z a-z 0-9 . _ -, the first a letter or digit');
  const name = settings.word('driver', [...DRIVERS.keys()]);
  const construct = DRIVERS.get(name);
  if (!construct) throw settings.wrong('driver', 'there is no such driver');
  return construct(settings, canonical(options), self);
}

/** The same settings in another order are the same settings. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).toSorted(([one], [other]) => (one < other ? -1 : 1)))
      : each,
  );
}
