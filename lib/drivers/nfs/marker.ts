import { access, constants, link, unlink, writeFile } from 'node:fs/promises';
import * as path from 'node:path';
import { TerminalError } from '../../ports/driver';
import { readIfThere, syncFolder } from '../durable-file';

/** At the root of a backend's storage: whose it is (docs/drivers.md, "The marker"). */
export const MARKER = '.shared-filesystem-backend';

/**
 * @returns the identity that stands there, null where there is no marker, or no storage
 * @throws TerminalError when the storage cannot be worked on
 */
export async function readMarker(root: string): Promise<string | null> {
  try {
    const text = await readIfThere(path.join(root, MARKER));
    if (text === null) return null;
    await access(root, constants.R_OK | constants.W_OK | constants.X_OK);
    return text.trim();
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
export async function writeMarker(root: string, identity: string): Promise<void> {
  const marker = path.join(root, MARKER);
  const beside = `${marker}.${identity}`;
  await writeFile(beside, `${identity}\n`, { mode: 0o600 });
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
