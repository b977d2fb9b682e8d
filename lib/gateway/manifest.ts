import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import schema from '../../schemas/manifest.json';
import type { Manifest as ManifestFile } from '../generated/manifest';
import type { ExtensionEntry } from '../ports/host';
import { faultsOf } from './checked';

/** An extension of the Compute API, as its manifest describes it. */
export interface Manifest {
  readonly entry: ExtensionEntry;
  /** The module's absolute path. */
  readonly module: string;
  /** The name of the function that it exports. */
  readonly factory: string;
  readonly mountPath: string;
}

/**
 * Reads a manifest; the module is not loaded yet.
 * @param file its absolute path
 * @throws Error naming the file and what is wrong with it
 */
export function readManifest(file: string): Manifest {
  const manifest = parse(file);
  const faults = faultsOf(schema, manifest).map(({ path: where, message }) => `${where || 'it'} ${message}`);
  if (faults.length > 0) throw new Error(`The manifest ${file} cannot be used: ${faults.join(', ')}.`);
  const { extension, module, factory, mountPath } = manifest as ManifestFile; // as the schema has it: just checked
  return { entry: extension, module: path.resolve(path.dirname(file), module), factory, mountPath };
}

function parse(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    const why = cause instanceof SyntaxError ? 'is not JSON' : 'cannot be read';
    throw new Error(`The manifest ${file} ${why}.`, { cause });
  }
}
