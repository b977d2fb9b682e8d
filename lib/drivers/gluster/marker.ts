import { type Room, TerminalError } from '../../ports/driver';
import { NOBODY } from './auth-allow';
import type { Layout } from './layout';
import { isOurs, OPTION } from './volume-info';
import { isWhole, roomOf } from './volume-status';
import type { GlusterVolumes } from './volumes';

/** The volume that stands for the backend: on the same bricks as all, with the identity as an option, and nothing in it. */
const MARKER = 'nova-shared-filesystem-marker';

/**
 * Whose storage this is. That glusterd knows the identity says that it is the same cluster; that the marker's bricks are
 * there says that the disks are mounted: Gluster starts no brick on a folder that is not the one that it made.
 */
export class Marker {
  constructor(
    private readonly volumes: GlusterVolumes,
    private readonly layout: Layout,
  ) {}

  /** @returns the identity; null: there is no marker, or its data is not there */
  async read(signal: AbortSignal): Promise<string | null> {
    const [found, bricks] = await Promise.all([this.volumes.find(MARKER, signal), this.volumes.bricks(MARKER, signal)]);
    const identity = found?.options.get(OPTION.identity) ?? null;
    return found && identity !== null && isWhole(found.bricks, bricks, this.layout.replica) ? identity : null;
  }

  /**
   * Makes it where there is none. The same one again is no error.
   * @throws TerminalError when there is another's
   */
  async write(identity: string, signal: AbortSignal): Promise<void> {
    const { volumes, layout } = this;
    if (!(await volumes.find(MARKER, signal))) {
      const strangers = (await volumes.all(signal)).filter(isOurs);
      if (strangers.length > 0)
        throw new TerminalError('The Gluster cluster has volumes of another deployment, whose marker is not there.');
      await volumes.create(MARKER, layout.bricksOf(MARKER), layout.replica, layout.force, signal);
    }
    const made = await volumes.find(MARKER, signal);
    const present = made?.options.get(OPTION.identity) ?? identity;
    if (!made || present !== identity)
      throw new TerminalError('The Gluster cluster has another marker: it is another deployment’s.');
    await volumes.set(
      made,
      new Map([
        [OPTION.allow, NOBODY],
        [OPTION.identity, identity],
      ]),
      signal,
    );
    if (!made.isStarted) await volumes.start(MARKER, signal);
  }

  /** Of all bricks; null: it cannot be told. */
  async room(signal: AbortSignal): Promise<Room | null> {
    const found = await this.volumes.find(MARKER, signal);
    return found && roomOf(found.bricks, await this.volumes.bricks(MARKER, signal), this.layout.replica);
  }
}
