import { setTimeout as wait } from 'node:timers/promises';
import { type GlusterCommand, GlusterRefused } from './command';
import { type GlusterVolume, parseVolumes } from './volume-info';
import { type BrickState, parseBricks, parseClients } from './volume-status';
import { elementAt, textOf } from './xml';

/** What Gluster says in place of a volume that is not there. */
const MISSING = /does not exist/;
const LOOK_MILLISECONDS = 100;

/** What the quota of a volume says, in bytes. */
export interface QuotaState {
  readonly limitBytes: bigint;
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

  /** Sets options in one step: all, or none. Those that it has already are not set again. */
  async set(volume: GlusterVolume, options: ReadonlyMap<string, string>, signal: AbortSignal): Promise<void> {
    const changed = [...options].filter(([name, value]) => volume.options.get(name) !== value);
    if (changed.length > 0) await this.command.change(['volume', 'set', volume.name, ...changed.flat()], signal);
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

  /** Null: no quota is set, or the volume's bricks do not answer. */
  async quota(name: string, signal: AbortSignal): Promise<QuotaState | null> {
    try {
      const answer = await this.command.ask(['volume', 'quota', name, 'list', '/'], signal);
      const limit = elementAt(answer, 'volQuota', 'limit');
      const [hard, used] = limit ? [textOf(limit, 'hard_limit'), textOf(limit, 'used_space')] : [];
      if (!isBytes(hard) || !isBytes(used)) return null;
      return { limitBytes: BigInt(hard), usedBytes: BigInt(used) };
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
   * Waits until none of these is connected any more: `set` answers before the bricks have looked through their clients.
   * @returns those that still are when the time is over
   */
  async partedFrom(name: string, addresses: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    const until = performance.now() + this.partingMilliseconds;
    for (;;) {
      const connected = parseClients(await this.command.ask(['volume', 'status', name, 'clients'], signal));
      const left = addresses.filter((each) => connected.has(each));
      if (left.length === 0 || performance.now() >= until) return left;
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

function isBytes(text: string | null | undefined): text is string {
  return /^\d{1,19}$/.test(text ?? '');
}
