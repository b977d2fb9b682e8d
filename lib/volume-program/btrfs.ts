import { chmod, lstat } from 'node:fs/promises';
import * as path from 'node:path';
import { isThere, readIfThere, removeFile, replaceFile } from '../drivers/durable-file';
import { TerminalError } from '../ports/driver';
import { holdsMore, type VolumeKind } from './kind';
import type { Layout } from './layout';
import { mountOf } from './mounts';
import { parseQuotaGroups, parseSubvolumes, type QuotaGroup } from './tool-output';
import { runTool } from './tools';

/** The root directory of every subvolume has this inode. */
const SUBVOLUME_INODE = 256;

/** A subvolume a volume, with a limit on its quota group. */
export class BtrfsVolumes implements VolumeKind {
  constructor(
    private readonly layout: Layout,
    private readonly mode: number,
  ) {}

  async check(signal: AbortSignal): Promise<void> {
    const { type } = await mountOf(this.layout.root);
    if (type !== 'btrfs') throw new TerminalError(`${this.layout.root} is on ${type}, not on btrfs.`);
    try {
      await this.#groups([], signal);
    } catch (cause) {
      throw new TerminalError(
        `${this.layout.root} keeps no quota: run "btrfs quota enable ${this.layout.root}"; limits that were set before are set again with the next look at what is used.`,
        {
          cause,
        },
      );
    }
  }

  async begin(id: string, bytes: bigint, signal: AbortSignal): Promise<string> {
    const begun = this.layout.begun(id);
    if (!(await isThere(begun))) await runTool('btrfs', ['subvolume', 'create', '--', begun], signal);
    await chmod(begun, this.mode);
    await this.#limit(id, await this.#group(begun, signal), bytes, signal);
    return begun;
  }

  async mountable(file: string, signal: AbortSignal) {
    const [{ source }, group] = await Promise.all([mountOf(this.layout.root), this.#group(file, signal)]);
    return { type: 'btrfs', options: `subvolid=${group}`, source };
  }

  async resize(id: string, bytes: bigint, signal: AbortSignal): Promise<void> {
    const group = await this.#group(this.layout.volume(id), signal);
    const found = (await this.#groups(['--sync'], signal)).get(group);
    if (!found) throw new TerminalError('btrfs keeps no quota group for this volume: run "btrfs quota rescan".');
    const refused = holdsMore(found.usedBytes, bytes);
    if (refused !== null) throw new TerminalError(refused);
    if (found.limitBytes !== bytes || (await readSize(sizeOf(this.layout.volume(id)))) !== bytes)
      await this.#limit(id, group, bytes, signal);
  }

  async usage(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, bigint>> {
    const groups = await this.#groups(['--sync'], signal);
    // without -o, paths have different beginnings
    const list = await runTool('btrfs', ['subvolume', 'list', '-o', this.layout.root], signal);
    const subvolumes = parseSubvolumes(list, await this.#folder());
    const used = new Map<string, bigint>();
    for (const id of ids) {
      const group = subvolumes.get(id) ?? '';
      const found = groups.get(group);
      if (!found) continue;
      used.set(id, found.usedBytes);
      if (found.limitBytes === null) await this.#limitAgain(id, group, signal);
    }
    return used;
  }

  async numbers(): Promise<readonly number[]> {
    return [];
  }

  companions(file: string): readonly string[] {
    return [sizeOf(file)];
  }

  /** The kernel destroys the data behind this, at its own pace; then the quota group is stale, and goes. */
  async purge(id: string, signal: AbortSignal): Promise<boolean> {
    const file = this.layout.setAside(id);
    try {
      let group: readonly string[] = [];
      if (await isThere(file)) {
        group = [await this.#group(file, signal)];
        await runTool('btrfs', ['subvolume', 'delete', '--commit-after', '--', file], signal);
      }
      // of one whose deletion was begun by an earlier call the id is not known any more: then of all that are under way
      await runTool('btrfs', ['subvolume', 'sync', this.layout.root, ...group], signal);
      await runTool('btrfs', ['qgroup', 'clear-stale', this.layout.root], signal);
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
    await removeFile(sizeOf(file));
    return true;
  }

  /** `btrfs quota disable` forgets all limits, and `enable` tells nothing of it. */
  async #limitAgain(id: string, group: string, signal: AbortSignal): Promise<void> {
    const bytes = await readSize(sizeOf(this.layout.volume(id)));
    if (bytes !== null) await this.#limit(id, group, bytes, signal);
  }

  /** Where the volumes are, as btrfs tells paths: from the top of the file system, whatever of it is mounted. */
  async #folder(): Promise<string> {
    const { root, target } = await mountOf(this.layout.root);
    return path.join(root, path.relative(target, this.layout.volumes)).slice(1);
  }

  /** By id and over the root of the storage: by its path a volume that is over its limit cannot be given another. */
  async #limit(id: string, group: string, bytes: bigint, signal: AbortSignal): Promise<void> {
    await replaceFile(sizeOf(this.layout.volume(id)), `${bytes}\n`, 0o600);
    await runTool('btrfs', ['qgroup', 'limit', String(bytes), `0/${group}`, this.layout.root], signal);
  }

  async #groups(options: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, QuotaGroup>> {
    return parseQuotaGroups(
      await runTool('btrfs', ['qgroup', 'show', '--raw', '-r', ...options, this.layout.root], signal),
    );
  }

  /** The id of a subvolume: of its quota group too. @throws TerminalError for what is none */
  async #group(file: string, signal: AbortSignal): Promise<string> {
    const { ino } = await lstat(file);
    if (ino !== SUBVOLUME_INODE)
      throw new TerminalError('Something else stands where the volume of this filesystem should be.');
    const id = (await runTool('btrfs', ['inspect-internal', 'rootid', file], signal)).trim();
    if (!/^[1-9]\d{0,18}$/.test(id)) throw new Error(`btrfs has told no id of ${file}: ${id}`);
    return id;
  }
}

/** Where the size of a volume stands: btrfs forgets limits when its quota is switched off. */
function sizeOf(file: string): string {
  return `${file}.size`;
}

async function readSize(file: string): Promise<bigint | null> {
  const [, bytes] = /^([1-9]\d{0,18})\n$/.exec((await readIfThere(file)) ?? '') ?? [];
  return bytes === undefined ? null : BigInt(bytes);
}
