import { setTimeout as wait } from 'node:timers/promises';
import { type GlusterCommand, GlusterRefused } from './command';
import { type GlusterVolume, parseVolumes } from './volume-info';
import { type BrickState, parseBricks, parseClients } from './volume-status';
import { elementAt, textOf } from './xml';

/** What Gluster says in place of a volume that is not there. */
const MISSING = /does not exist/;
const NO_QUOTA = /quota is (disabled|not enabled)/i;
/** What it says in place of a limit that is not set. */
const NO_LIMIT = 'N/A';
const LOOK_MILLISECONDS = 100;

/** What the quota of a volume says, in bytes. */
export interface QuotaState {
  /** Null: none is set. */
  readonly limitBytes: bigint | null;
  readonly usedBytes: bigint;
}

/** The volumes of a Gluster cluster, as its CLI shows and changes them. */
export class GlusterVolumes {
  /** @param partingMilliseconds how long bricks may take to part with clients that may not be there any more */
  constructor(
    private readonly command: GlusterCommand,
    private readonly partingMilliseconds: number,
  ) {}

  /** Null: there is none of that name. */
  async find(name: string, signal: AbortSignal): Promise<GlusterVolume | null> {
    try {
      const found = parseVolumes(await this.command.ask(['volume', 'info', name], signal));
      return found.find((each) => each.name === name) ?? null;
    } catch (error) {
      if (error instanceof GlusterRefused && MISSING.test(error.message)) return null;
      throw error;
    }
  }

  async all(signal: AbortSignal): Promise<readonly GlusterVolume[]> {
    return parseVolumes(await this.command.ask(['volume', 'info', 'all'], signal));
  }

  /** It is stopped, and would let in everybody: options first, then `start`. */
  async create(
    name: string,
    bricks: readonly string[],
    replica: number,
    force: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const copies = replica > 1 ? ['replica', String(replica)] : [];
    await this.command.change(['volume', 'create', name, ...copies, ...bricks, ...(force ? ['force'] : [])], signal);
  }

  /**
   * Sets options in one step: all, or none. Those that it has already are not set again.
   * @returns the volume as it is then
   */
  async set(volume: GlusterVolume, options: ReadonlyMap<string, string>, signal: AbortSignal): Promise<GlusterVolume> {
    const changed = [...options].filter(([name, value]) => volume.options.get(name) !== value);
    if (changed.length > 0) await this.command.change(['volume', 'set', volume.name, ...changed.flat()], signal);
    return { ...volume, options: new Map([...volume.options, ...options]) };
  }

  async start(name: string, signal: AbortSignal): Promise<void> {
    await this.#unlessSo(name, true, () => this.command.change(['volume', 'start', name], signal), signal);
  }

  async stop(name: string, signal: AbortSignal): Promise<void> {
    await this.#unlessSo(name, false, () => this.command.change(['volume', 'stop', name], signal), signal);
  }

  /** Its bricks keep their data. */
  async delete(name: string, signal: AbortSignal): Promise<void> {
    await this.command.change(['volume', 'delete', name], signal);
  }

  async enableQuota(name: string, signal: AbortSignal): Promise<void> {
    await this.command.change(['volume', 'quota', name, 'enable'], signal);
  }

  async limit(name: string, bytes: bigint, signal: AbortSignal): Promise<void> {
    await this.command.change(['volume', 'quota', name, 'limit-usage', '/', String(bytes)], signal);
  }

  /** Null: the volume has no quota. @throws Error where it may have one, and what it holds cannot be told */
  async quota(name: string, signal: AbortSignal): Promise<QuotaState | null> {
    try {
      const answer = await this.command.ask(['volume', 'quota', name, 'list', '/'], signal);
      const limit = elementAt(answer, 'volQuota', 'limit');
      const [hard, used] = limit ? [textOf(limit, 'hard_limit'), textOf(limit, 'used_space')] : [];
      return { limitBytes: hard === NO_LIMIT ? null : toBytes(hard), usedBytes: toBytes(used) };
    } catch (error) {
      if (error instanceof GlusterRefused && NO_QUOTA.test(error.message)) return null;
      throw error;
    }
  }

  /** What it holds, in bytes; null: it cannot be told. */
  async used(name: string, signal: AbortSignal): Promise<bigint | null> {
    try {
      return (await this.quota(name, signal))?.usedBytes ?? null;
    } catch (error) {
      if (error instanceof GlusterRefused) return null;
      throw error;
    }
  }

  /** None: it is stopped. */
  async bricks(name: string, signal: AbortSignal): Promise<readonly BrickState[]> {
    try {
      return parseBricks(await this.command.ask(['volume', 'status', name, 'detail'], signal));
    } catch (error) {
      if (error instanceof GlusterRefused) return [];
      throw error;
    }
  }

  /**
   * Waits until no client that has to leave is logged in any more: `set` answers before bricks have looked through theirs.
   * @returns false: one still is when the time is over
   */
  async hasParted(name: string, leaves: (address: string) => boolean, signal: AbortSignal): Promise<boolean> {
    const until = performance.now() + this.partingMilliseconds;
    for (;;) {
      const connected = parseClients(await this.command.ask(['volume', 'status', name, 'clients'], signal));
      if (![...connected].some(leaves)) return true;
      if (performance.now() >= until) return false;
      await wait(LOOK_MILLISECONDS, undefined, { signal });
    }
  }

  /** What was begun by a call that was given up is no error: where it is so now, all is well. */
  async #unlessSo(name: string, isStarted: boolean, act: () => Promise<void>, signal: AbortSignal): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof GlusterRefused) || (await this.find(name, signal))?.isStarted !== isStarted) throw error;
    }
  }
}

/** @throws GlusterRefused when it is no number */
function toBytes(text: string | null | undefined): bigint {
  if (!/^\d{1,19}$/.test(text ?? '')) throw new GlusterRefused('gluster has not said how much a volume holds');
  return BigInt(text ?? '');
}
