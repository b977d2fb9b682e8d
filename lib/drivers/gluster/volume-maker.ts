import { TerminalError, type Volume, VolumeLost } from '../../ports/driver';
import { recordChange } from '../volume-record';
import { NOBODY } from './auth-allow';
import type { Layout } from './layout';
import { allowedBy, type GlusterVolume, isOurs, isRetired, OPTION, recordTextOf } from './volume-info';
import type { GlusterVolumes } from './volumes';

/** Without them a volume takes in some seconds' worth of writes beyond its size, and tells clients the size of the whole disk. */
const QUOTA_OPTIONS = [
  ['features.quota-deem-statfs', 'on'],
  ['features.soft-timeout', '0'],
  ['features.hard-timeout', '0'],
] as const;

/** Makes volumes what they should be, but for their lists. */
export class VolumeMaker {
  constructor(
    private readonly cluster: GlusterVolumes,
    private readonly layout: Layout,
  ) {}

  /** @throws VolumeLost, or TerminalError when it holds more than the size */
  async make(volume: Volume, mayCreate: boolean, signal: AbortSignal): Promise<void> {
    const present = await this.cluster.find(volume.id, signal);
    const found = present ?? (await this.#create(volume, mayCreate, signal));
    // one that was retired is not begun anew: its data may be asked for
    if (isRetired(found) || (!isOurs(found) && !mayCreate)) throw new VolumeLost();
    if (!isOurs(found) && found.isStarted)
      throw new TerminalError('A Gluster volume that is not ours has the name that this filesystem’s should have.');
    // before it is started: a new one would let in everybody, and one that was reset. With the record it is ours
    const isOpen = !found.isStarted && (!isOurs(found) || allowedBy(found).isEverybody);
    const nobody = isOpen ? ([[OPTION.allow, NOBODY]] as const) : [];
    await this.cluster.set(found, new Map([...nobody, ...this.recordOption(found, volume)]), signal);
    if (!found.isStarted) await this.cluster.start(found.name, signal);
    if (found.options.get('features.quota') !== 'on') await this.cluster.enableQuota(found.name, signal);
    await this.cluster.set(found, new Map([...QUOTA_OPTIONS, ...this.layout.options]), signal);
    await this.#limit(volume, present !== null, signal);
  }

  /** What is to be set for its record to be true; nothing: it is. */
  recordOption(found: GlusterVolume, volume: Volume): readonly (readonly [string, string])[] {
    const text = recordChange(recordTextOf(found), volume);
    return text === null ? [] : [[OPTION.record, Buffer.from(text).toString('base64url')]];
  }

  async #create(volume: Volume, mayCreate: boolean, signal: AbortSignal): Promise<GlusterVolume> {
    if (!mayCreate) throw new VolumeLost();
    const { replica, force } = this.layout;
    const bricks = this.layout.bricksOf(volume.id);
    await this.cluster.create(volume.id, bricks, replica, force, signal);
    return { name: volume.id, isStarted: false, bricks, options: new Map() };
  }

  /** @param isAsked whether it may have a limit, and data */
  async #limit({ id, size }: Volume, isAsked: boolean, signal: AbortSignal): Promise<void> {
    const quota = isAsked ? await this.cluster.quota(id, signal) : null;
    if (quota?.limitBytes === size.bytes) return;
    // Gluster would take it, and refuse every write
    if (quota && quota.usedBytes > size.bytes)
      throw new TerminalError(`The volume holds ${quota.usedBytes} bytes, more than ${size.text}.`);
    await this.cluster.limit(id, size.bytes, signal);
  }
}
