import { chmod, lstat, mkdir, readFile, rename } from 'node:fs/promises';
import * as path from 'node:path';
import { TerminalError, type Volume, VolumeLost } from '../../ports/driver';
import { isMissing, removeFile, replaceFile, syncFolder } from '../durable-file';
import { allocatedBytes, removeTree } from './directory-tree';
import { readMarker, writeMarker } from './marker';
import type { NfsVolumes } from './server';

/** Where what was retired waits to be purged. */
const RETIRED = '.retired';

/**
 * A directory a volume, named by the filesystem's id, below a root that nobody else may enter (0700). Sizes are not enforced,
 * and volumes share a file system.
 */
export class DirectoryVolumes implements NfsVolumes {
  readonly quota = false;
  readonly shrink = false;
  readonly counts = 'walk';
  readonly isolation = 'none';

  /**
   * @param root absolute
   * @param mode of a new volume's own directory
   */
  constructor(
    private readonly root: string,
    private readonly mode: number,
  ) {}

  async check(): Promise<string | null> {
    return readMarker(this.root);
  }

  async mark(identity: string): Promise<void> {
    await mkdir(this.root, { recursive: true, mode: 0o700 });
    await writeMarker(this.root, identity);
  }

  pathOf(id: string): string {
    return path.join(this.root, id);
  }

  async has(id: string): Promise<boolean> {
    return isDirectory(this.pathOf(id));
  }

  async ensure(volume: Volume, mayCreate: boolean): Promise<void> {
    const folder = this.pathOf(volume.id);
    if (!(await isDirectory(folder))) {
      if (!mayCreate) throw new VolumeLost();
      await mkdir(folder);
      // not by mkdir: the umask must not have a say
      await chmod(folder, this.mode);
      await syncFolder(this.root);
    }
    await this.record(volume);
  }

  async record({ id, name, owner, scope, project, size, desiredRevision }: Volume): Promise<void> {
    const facts = { id, name, owner, scope, project, size: size.text };
    const file = this.#recordFile(id);
    // the revision is of the last change of the others: the exports file has the present one
    if (withoutRevision(await readIfThere(file)) === JSON.stringify(facts)) return;
    await replaceFile(file, `${JSON.stringify({ ...facts, revision: String(desiredRevision) })}\n`, 0o600);
  }

  async usage(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, bigint>> {
    const used = new Map<string, bigint>();
    for (const id of ids) if (await this.has(id)) used.set(id, await allocatedBytes(this.pathOf(id), signal));
    return used;
  }

  async retire(id: string): Promise<void> {
    const retired = path.join(this.root, RETIRED);
    await mkdir(retired, { recursive: true, mode: 0o700 });
    for (const name of [id, path.basename(this.#recordFile(id))])
      await rename(path.join(this.root, name), path.join(retired, name)).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
      });
    await Promise.all([syncFolder(this.root), syncFolder(retired)]);
  }

  async purge(id: string, signal: AbortSignal): Promise<void> {
    const retired = path.join(this.root, RETIRED);
    await removeTree(path.join(retired, id), signal);
    await removeFile(path.join(retired, `${id}.json`)).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
  }

  #recordFile(id: string): string {
    return path.join(this.root, `${id}.json`);
  }
}

/** Of links never: what a link points at is not the volume. */
async function isDirectory(folder: string): Promise<boolean> {
  try {
    const found = await lstat(folder);
    if (!found.isDirectory())
      throw new TerminalError('Something else stands where the volume of this filesystem should be.');
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return '';
    throw error;
  }
}

/** The facts of a record as text; nothing when it cannot be read. */
function withoutRevision(text: string): string {
  try {
    const { revision: _, ...facts } = JSON.parse(text) as Record<string, unknown>;
    return JSON.stringify(facts);
  } catch {
    return '';
  }
}
