import { readdir } from 'node:fs/promises';
import { isThere } from '../drivers/durable-file';
import { TerminalError } from '../ports/driver';
import type { VolumeKind } from './kind';
import type { Layout } from './layout';
import { withLock } from './locks';
import { faultOf, mountAt, mountsByPlace, mountVolume, removeBareFolder, unmountVolume } from './mounts';
import { wordsOf } from './words';

/** There is no such volume, in service or set aside as the verb needs it. */
export class Absent extends Error {
  override readonly name = 'Absent';
}

/** What can be done with volumes of all kinds. Each can be done again, after a crash at any moment too. */
export class Volumes {
  constructor(
    private readonly layout: Layout,
    private readonly kind: VolumeKind,
  ) {}

  /**
   * A new one is empty. One that is there is left as it is, unless it is empty and its size cannot be set; one that was
   * retired is not begun anew.
   */
  async create(id: string, number: bigint, signal: AbortSignal): Promise<void> {
    const file = this.layout.volume(id);
    const isNew = !(await isThere(file));
    if (isNew && (await isThere(this.layout.setAside(id)))) throw new Absent();
    if (isNew || (await this.#isToBeRemade(id, number, signal)))
      await this.layout.move(await this.kind.begin(id, number, signal), file);
    await this.mount(id, signal);
  }

  /** @throws Absent */
  async mount(id: string, signal: AbortSignal): Promise<void> {
    const file = this.layout.volume(id);
    if (!(await isThere(file))) throw new Absent();
    const target = this.layout.mountPoint(id);
    if (target === null) return;
    if ((await mountAt(target)) === null) {
      const found = await this.kind.mountable(file, signal);
      if (found) await mountVolume(target, found.type, found.options, found.source, signal);
    }
    const mounted = await mountAt(target);
    const fault = mounted && (await faultOf(mounted));
    if (fault !== null) throw new Error(fault);
  }

  /**
   * A volume that cannot be mounted keeps no other from it, and no server from starting: it has no mount point.
   * @returns what is wrong with which
   * @throws TerminalError where something that is no mount stands where volumes are mounted: a server could export it
   */
  async mountAll(signal: AbortSignal): Promise<readonly string[]> {
    const complaints: string[] = [];
    const each = async (ids: readonly string[], work: (id: string) => Promise<void>) => {
      for (const id of ids)
        await withLock(id, signal, () => work(id)).catch((error: unknown) =>
          complaints.push(`${id}: ${wordsOf(error)}`),
        );
    };
    await each(await this.layout.bareMountPoints(), (id) => this.#removeBareMountPoint(id));
    const mounted = await mountsByPlace();
    const ids = await this.layout.ids();
    await each(
      ids.filter((id) => !mounted.has(this.layout.mountPoint(id) ?? '')),
      (id) => this.mount(id, signal),
    );
    const bare = await this.layout.bareMountPoints();
    if (bare.length > 0)
      throw new TerminalError(
        `These are where volumes are mounted, and are no mounts: ${bare.join(', ')}. Move them away.`,
      );
    return complaints;
  }

  /** What is wrong with volumes that are mounted. */
  async faults(ids: readonly string[]): Promise<readonly string[]> {
    const found: string[] = [];
    const mounts = await mountsByPlace();
    for (const id of ids) {
      const mounted = mounts.get(this.layout.mountPoint(id) ?? '');
      const fault = mounted ? await faultOf(mounted) : null;
      if (fault !== null) found.push(`${id}: ${fault}`);
    }
    return found;
  }

  /** @throws Absent, TerminalError */
  async resize(id: string, bytes: bigint, signal: AbortSignal): Promise<void> {
    await this.mount(id, signal);
    await this.kind.resize(id, bytes, signal);
  }

  async retire(id: string, signal: AbortSignal): Promise<void> {
    const [file, begun, aside] = [this.layout.volume(id), this.layout.begun(id), this.layout.setAside(id)];
    const target = this.layout.mountPoint(id);
    if (target !== null) await unmountVolume(target, signal);
    if (await isThere(file)) await this.#move(file, aside);
    // one whose making was given up
    else if ((await isThere(begun)) && !(await isThere(aside))) await this.#move(begun, aside, file);
  }

  /** @throws Absent */
  async restore(id: string, signal: AbortSignal): Promise<void> {
    const [file, aside] = [this.layout.volume(id), this.layout.setAside(id)];
    if (!(await isThere(file))) {
      if (!(await isThere(aside))) throw new Absent();
      await this.#move(aside, file);
    }
    await this.mount(id, signal);
  }

  async #isToBeRemade(id: string, number: bigint, signal: AbortSignal): Promise<boolean> {
    if (!this.kind.isMoreThan || !(await this.kind.isMoreThan(id, number))) return false;
    // nobody was let in before its making was confirmed, and so nothing is lost where nothing is in it
    await this.mount(id, signal);
    const target = this.layout.mountPoint(id);
    if (target === null || (await readdir(target)).length > 0) return false;
    await unmountVolume(target, signal);
    return true;
  }

  async #removeBareMountPoint(name: string): Promise<void> {
    const target = this.layout.mountPoint(name);
    if (target !== null && (await mountAt(target)) === null) await removeBareFolder(target);
  }

  /** The volume itself last: until then the rest is looked for again. */
  async #move(from: string, to: string, name = from): Promise<void> {
    if (await isThere(to))
      throw new TerminalError(
        'This filesystem has two volumes, one in service and one set aside: an operator has to look at them.',
      );
    const companions = this.kind.companions(to);
    for (const [index, each] of this.kind.companions(name).entries())
      if (await isThere(each)) await this.layout.move(each, companions[index] ?? each);
    await this.layout.move(from, to);
  }
}
