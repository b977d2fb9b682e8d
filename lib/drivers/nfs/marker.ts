import { access, constants, link, unlink, writeFile } from 'node:fs/promises';
import * as path from 'node:path';
import { TerminalError } from '../../ports/driver';
import { readIfThere, syncFolder } from '../durable-file';

/** At the root of a backend's storage: whose it is (docs/drivers.md, "The marker"). */
export const MARKER = '.shared-filesystem-backend';

/** @returns the identity that stands there, null where there is no marker, or no storage */
export async function readMarkerText(root: string): Promise<string | null> {
  return (await readIfThere(path.join(root, MARKER)))?.trim() ?? null;
}

/**
 * @param written the folder that this process writes into
 * @returns the identity that stands there, null where there is no marker, or no storage
 * @throws TerminalError when the storage cannot be worked on
 */
export async function readMarker(root: string, written = root): Promise<string | null> {
  try {
    const identity = await readMarkerText(root);
    if (identity !== null) await access(written, constants.R_OK | constants.W_OK | constants.X_OK);
    return identity;
  } catch (cause) {
    throw new TerminalError(
      `The volumes' directory ${root} cannot be used: check that it is one, its owner and mode, and that its file system is not read-only.`,
      { cause },
    );
  }
}

/**
 * Writes the marker, whole or not at all. The same one again is no error.
 * @throws TerminalError when there is another's
 */
export async function writeMarker(root: string, identity: string, mode = 0o600): Promise<void> {
  const marker = path.join(root, MARKER);
  const beside = `${marker}.${identity}`;
  await writeFile(beside, `${identity}\n`, { mode });
  try {
    // a link never replaces what is there
    await link(beside, marker);
  } catch (cause) {
    if ((await readMarker(root)) !== identity)
      throw new TerminalError(`The storage in ${root} has another marker: it is another deployment's.`, { cause });
  } finally {
    await unlink(beside);
  }
  await syncFolder(root);
}
