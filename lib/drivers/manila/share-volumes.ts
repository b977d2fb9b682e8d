import { type StoredVolume, TerminalError, type Volume, VolumeLost, type VolumeRecord } from '../../ports/driver';
import { parseRecord } from '../volume-record';
import type { AccessLists } from './access-lists';
import { forAtMost, pollUntil } from './poll';
import { METADATA, type Share, serviceState } from './share';
import { ADMINISTRATOR, type Shares } from './shares';

const LONGEST_RECORD = 1_023;

/** Volumes as shares: made, resized, set aside, destroyed. One call for a share at a time. */
export class ShareVolumes {
  /** @param purgeMilliseconds so long is a share's end waited for */
  constructor(
    private readonly shares: Shares,
    private readonly lists: AccessLists,
    private readonly purgeMilliseconds: number,
  ) {}

  /** As the driver's. A crash after the request is no second share: it is found by its metadata. */
  async ensure(volume: Volume, mayCreate: boolean, signal: AbortSignal): Promise<string> {
    let found = await this.shares.find(volume.id, signal);
    // what never was in service and goes was given up
    if (found?.status === 'deleting' && serviceState(found) === 'creating')
      found = await this.shares.settled(found, signal);
    if (found ? serviceState(found) === 'retired' : !mayCreate) throw new VolumeLost();
    found ??= await this.shares.create(volume, { ...recorded(volume), [METADATA.state]: 'creating' }, signal);
    const share = await this.shares.settled(found, signal);
    if (share === null) throw new Error(`The share ${found.id} has gone while it was waited for.`);
    if (share.status === 'error') await this.#giveUp(share, signal);
    await this.shares.resize(share, volume, signal);
    await this.#note(share, volume, signal);
    return this.shares.exportLocation(share, signal);
  }

  async retire({ id }: Volume, signal: AbortSignal): Promise<void> {
    const found = await this.shares.find(id, signal);
    const share = found && (await this.shares.settled(found, signal));
    if (share === null) return;
    await this.lists.end(share, signal);
    if (serviceState(share) !== 'retired') await this.shares.note(share, { [METADATA.state]: 'retired' }, signal);
  }

  async restore({ id }: Volume, signal: AbortSignal): Promise<void> {
    const share = await this.shares.find(id, signal);
    if (share === null || share.status === 'deleting') throw new VolumeLost();
    if (serviceState(share) === 'retired') await this.shares.note(share, { [METADATA.state]: 'in-service' }, signal);
  }

  /**
   * Deletes it, and waits until Manila has, but not for ever: others are waiting. A call that was given up goes on with the
   * next.
   */
  async purge(id: string, signal: AbortSignal): Promise<void> {
    const share = await this.shares.find(id, signal);
    if (share === null || serviceState(share) !== 'retired') return;
    if (share.status !== 'deleting') await this.shares.delete(share, signal);
    const late = () =>
      new Error(`Manila is still deleting the share ${share.id}: it is looked at again. ${ADMINISTRATOR}`);
    await forAtMost(this.purgeMilliseconds, late, (within) => this.#gone(share, within), signal);
  }

  async list(signal: AbortSignal): Promise<readonly StoredVolume[]> {
    const states = new Map<string, boolean>();
    for (const share of await this.shares.all(signal)) {
      const id = share.metadata.get(METADATA.id);
      const isRetired = serviceState(share) === 'retired';
      // of two with one id, the one in service
      if (id !== undefined) states.set(id, isRetired && (states.get(id) ?? true));
    }
    return [...states].map(([id, retired]) => ({ id, retired }));
  }

  async record(id: string, signal: AbortSignal): Promise<VolumeRecord | null> {
    const share = await this.shares.find(id, signal);
    return parseRecord(share?.metadata.get(METADATA.record) ?? null);
  }

  /** Waits until it is. @throws Error when Manila has given up */
  async #gone(share: Share, signal: AbortSignal): Promise<void> {
    await pollUntil(async () => {
      const now = await this.shares.get(share, signal);
      if (now !== null && now.status !== 'deleting')
        throw new Error(`Manila could not delete the share ${share.id}: it is ${now.status}. ${ADMINISTRATOR}`);
      return now === null ? true : null;
    }, signal);
  }

  /** Manila has failed at it. One that never held anything is deleted, and made anew by the next attempt. */
  async #giveUp(share: Share, signal: AbortSignal): Promise<never> {
    if (serviceState(share) !== 'creating')
      throw new Error(`Manila says that the share ${share.id} is in error. ${ADMINISTRATOR}`);
    await this.shares.delete(share, signal);
    throw new Error(`Manila could not make the share ${share.id}: it is tried again. ${ADMINISTRATOR}`);
  }

  /** That it is ready, and whose it is. */
  async #note(share: Share, volume: Volume, signal: AbortSignal): Promise<void> {
    const isNew = serviceState(share) === 'creating';
    const isKnown = sameRecord(share.metadata.get(METADATA.record), volume);
    if (!isNew && isKnown) return;
    await this.shares.note(
      share,
      { ...(isKnown ? {} : recorded(volume)), ...(isNew && { [METADATA.state]: 'in-service' }) },
      signal,
    );
  }
}

/** @throws TerminalError when it is longer than Manila's metadata may be */
function recorded({ name, owner, scope, project, size, desiredRevision }: Volume): Readonly<Record<string, string>> {
  const text = JSON.stringify({ name, owner, scope, project, size: size.text, revision: String(desiredRevision) });
  if (text.length > LONGEST_RECORD) throw new TerminalError('Its name, owner and project are too long for Manila.');
  return { [METADATA.record]: text };
}

/** Whether a record says what the volume is, of whatever revision. */
function sameRecord(text: string | undefined, { name, owner, scope, project, size }: Volume): boolean {
  const record = parseRecord(text ?? null);
  return (
    record?.name === name &&
    record.owner === owner &&
    record.scope === scope &&
    record.project === project &&
    record.size === size.text
  );
}
