import { lstat } from 'node:fs/promises';
import * as path from 'node:path';
import {
  type Room,
  type StoredVolume,
  TerminalError,
  type Volume,
  VolumeLost,
  type VolumeRecord,
} from '../../ports/driver';
import { type Kind, LARGEST_PROJECT, RECORDS, RETIRED, SUFFIX, VOLUMES } from '../../volume-program/verbs';
import { isMissing, removeFile } from '../durable-file';
import { fileNameOf } from '../volume-id';
import { readRecord, writeRecord } from '../volume-record';
import { readMarker } from './marker';
import type { NfsVolumes, Presence } from './server';
import { isVolume, roomOf, volumesIn } from './volume-folders';
import type { VolumeProgram } from './volume-program';

/**
 * Volumes that hold their size, of the kinds `btrfs`, `project-quota` and `image`. What they are made of is root's; it is
 * looked at here, and changed by the filer's volume program alone (docs/decisions/0013-one-program-with-root-rights.md).
 */
export class ProgramVolumes implements NfsVolumes {
  readonly quota = true;
  readonly counts = 'live';
  readonly shrink: boolean;
  readonly isolation: 'file-system' | 'none';
  readonly largestNumber: number | null;
  /** Whether the program was found to work since it last failed. */
  #isChecked = false;
  /** What was mounted by this process, and of which no list has come into force since. */
  readonly #mountedNow = new Set<string>();

  /**
   * @param root of the storage, absolute
   * @param mounts where volumes are mounted by themselves, absolute; null for `project-quota`
   */
  constructor(
    private readonly kind: Kind,
    private readonly root: string,
    private readonly mounts: string | null,
    private readonly program: VolumeProgram,
  ) {
    this.shrink = kind !== 'image';
    this.isolation = kind === 'image' ? 'file-system' : 'none';
    this.largestNumber = kind === 'project-quota' ? LARGEST_PROJECT : null;
  }

  /** The program itself is asked once, and again after it has failed: this runs before every change of a list. */
  async check(signal: AbortSignal): Promise<string | null> {
    const identity = await readMarker(this.root, path.join(this.root, RECORDS));
    if (identity !== null && !this.#isChecked) {
      this.#compare(await this.program.check(identity, signal));
      this.#isChecked = true;
    }
    return identity;
  }

  async mark(identity: string, signal: AbortSignal): Promise<void> {
    await this.program.ofBackend('mark', identity, signal);
  }

  pathOf(id: string): string {
    return path.join(this.mounts ?? path.join(this.root, VOLUMES), fileNameOf(id));
  }

  async has(id: string, signal: AbortSignal): Promise<Presence> {
    if (!(await this.#stands(VOLUMES, id))) return 'absent';
    if (!(await this.#isMounted(id))) {
      this.#mountedNow.add(id);
      await this.#call('mount', id, null, signal);
    }
    return this.#mountedNow.has(id) ? 'mounted-now' : 'present';
  }

  async ensure(volume: Volume, mayCreate: boolean, signal: AbortSignal): Promise<void> {
    const { id, size, number } = volume;
    if (!(await this.#stands(VOLUMES, id))) {
      // one that was retired is not begun anew: its data may be asked for
      if (!mayCreate || (await this.#stands(RETIRED, id))) throw new VolumeLost();
      await this.#call('create', id, this.largestNumber === null ? size.bytes : numberOf(number), signal);
    } else {
      if (!(await this.#isMounted(id))) this.#mountedNow.add(id);
      // of a call that was given up: nobody has used it, and it may be larger than it is to be by now
      if (mayCreate && !this.shrink) await this.#call('create', id, size.bytes, signal);
    }
    // one that was made just now may be of an earlier call, and of another size
    await this.#call('resize', id, size.bytes, signal);
    await writeRecord(this.#recordOf(id), volume);
  }

  async record(volume: Volume): Promise<void> {
    this.#mountedNow.delete(volume.id);
    await writeRecord(this.#recordOf(volume.id), volume);
  }

  async readRecord(id: string): Promise<VolumeRecord | null> {
    return readRecord(this.#recordOf(id));
  }

  async usage(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, bigint>> {
    const { used } = await this.program.usage(await this.#identity(), signal);
    return new Map(
      ids.flatMap((id) => {
        const bytes = used.get(id);
        return bytes === undefined ? [] : [[id, bytes] as const];
      }),
    );
  }

  async retire(id: string, signal: AbortSignal): Promise<void> {
    await this.#call('retire', id, null, signal);
  }

  async restore(id: string, signal: AbortSignal): Promise<void> {
    await this.#call('restore', id, null, signal);
  }

  async purge(id: string, signal: AbortSignal): Promise<void> {
    await this.program.purge(id, signal);
    // the record is of a volume in service too
    if (!(await this.#stands(VOLUMES, id))) await removeFile(this.#recordOf(id));
  }

  async list(): Promise<readonly StoredVolume[]> {
    const suffix = SUFFIX[this.kind];
    const [inService, retired] = [
      await volumesIn(path.join(this.root, VOLUMES), suffix),
      await volumesIn(path.join(this.root, RETIRED), suffix),
    ];
    return [...inService.map((id) => ({ id, retired: false })), ...retired.map((id) => ({ id, retired: true }))];
  }

  async numbers(signal: AbortSignal): Promise<ReadonlySet<number>> {
    if (this.largestNumber === null) return new Set();
    return new Set((await this.program.usage(await this.#identity(), signal)).numbers);
  }

  async room(): Promise<Room | null> {
    return roomOf(this.root);
  }

  /** A failure may come of the program itself: it is looked at again. */
  async #call(
    verb: 'create' | 'mount' | 'resize' | 'retire' | 'restore',
    id: string,
    number: bigint | null,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await this.program.call(verb, id, number, signal);
    } catch (error) {
      this.#isChecked = false;
      throw error;
    }
  }

  /** @throws TerminalError where the program would work on other storage than this driver looks at */
  #compare(configured: Readonly<Record<string, unknown>>): void {
    const expected = { kind: this.kind, root: this.root, mounts: this.mounts };
    for (const [name, value] of Object.entries(expected))
      if (configured[name] !== value)
        throw new TerminalError(
          `The settings of this backend have ${name} ${String(value)}, the volume program's configuration has ${String(configured[name])}: correct one of them.`,
        );
  }

  async #identity(): Promise<string> {
    const identity = await readMarker(this.root, path.join(this.root, RECORDS));
    if (identity === null) throw new Error('the storage has no marker');
    return identity;
  }

  async #stands(folder: string, id: string): Promise<boolean> {
    const suffix = SUFFIX[this.kind];
    return isVolume(path.join(this.root, folder, fileNameOf(id) + suffix), suffix === '' ? 'directory' : 'file');
  }

  /** A bare mount point is on the file system that it lies on, a volume is on its own. */
  async #isMounted(id: string): Promise<boolean> {
    if (this.mounts === null) return true;
    try {
      const [volume, around] = [await lstat(this.pathOf(id)), await lstat(this.mounts)];
      return volume.dev !== around.dev;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  #recordOf(id: string): string {
    return path.join(this.root, RECORDS, `${fileNameOf(id)}.json`);
  }
}

function numberOf(number: number | null): bigint {
  if (number === null) throw new Error('this filesystem has no number');
  return BigInt(number);
}
