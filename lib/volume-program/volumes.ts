import { isThere } from '../drivers/durable-file';
import { TerminalError } from '../ports/driver';
import type { VolumeKind } from './kind';
import type { Layout } from './layout';
import { mountAt, mountedPlaces, mountVolume, unmountVolume } from './mounts';

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

  /** A new one is empty. One that is there is left as it is, one that was retired is not begun anew. */
  async create(id: string, number: bigint, signal: AbortSignal): Promise<void> {
    const file = this.layout.volume(id);
    if (!(await isThere(file))) {
      if (await isThere(this.layout.setAside(id))) throw new Absent();
      await this.layout.move(await this.kind.begin(id, number, signal), file);
    }
    await this.mount(id, signal);
  }

  /** @throws Absent */
  async mount(id: string, signal: AbortSignal): Promise<void> {
    const file = this.layout.volume(id);
    if (!(await isThere(file))) throw new Absent();
    const target = this.layout.mountPoint(id);
    if (target === null || (await mountAt(target)) !== null) return;
    const found = await this.kind.mountable(file, signal);
    if (found) await mountVolume(target, found.type, found.options, found.source, signal);
  }

  /** @throws TerminalError naming those that could not be mounted, when all others are */
  async mountAll(signal: AbortSignal): Promise<void> {
    const failed: unknown[] = [];
    const mounted = await mountedPlaces();
    for (const id of (await this.layout.ids()).filter((each) => !mounted.has(this.layout.mountPoint(each) ?? '')))
      await this.mount(id, signal).catch((error: unknown) => failed.push(`${id}: ${String(error)}`));
    if (failed.length > 0)
      throw new TerminalError(`${failed.length} volumes could not be mounted: ${failed.join('; ')}`);
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
