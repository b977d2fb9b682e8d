import { parseRevision } from '../../domain/revision';
import type { VolumeRecord } from '../../ports/driver';
import { parseRecord } from '../volume-record';
import { type Allowed, parseAllow } from './auth-allow';
import { childrenOf, elementAt, textOf, type XmlElement } from './xml';

/** Options of ours: Gluster keeps any that begin with `user.`, beside its own and in one step with them. */
export const OPTION = {
  allow: 'auth.allow',
  /** Of the list. */
  revision: 'user.nova-shared-filesystem.revision',
  /** Addresses that were taken away and may be connected still, or one word (see `left.ts`). */
  left: 'user.nova-shared-filesystem.left',
  /** The volume's record: JSON as base64url. A volume without one was never complete, or all its options were reset. */
  record: 'user.nova-shared-filesystem.record',
  /** `yes`: out of service, its data is set aside. */
  retired: 'user.nova-shared-filesystem.retired',
  /** Of the marker's volume: the backend's identity. */
  identity: 'user.nova-shared-filesystem.identity',
} as const;

/** A volume as glusterd describes it. */
export interface GlusterVolume {
  readonly name: string;
  readonly isStarted: boolean;
  /** `host:/path`, in Gluster's order. */
  readonly bricks: readonly string[];
  readonly options: ReadonlyMap<string, string>;
}

/** Reads `volume info`. @throws Error when it is something else */
export function parseVolumes(answer: XmlElement): readonly GlusterVolume[] {
  const volumes = elementAt(answer, 'volInfo', 'volumes');
  if (!volumes) throw new Error('gluster has not said which volumes there are');
  return childrenOf(volumes, 'volume').map(parseVolume);
}

/** Whether it has a record: one of ours, and complete. */
export function isOurs({ options }: GlusterVolume): boolean {
  return options.has(OPTION.record);
}

/** Whether it is out of service. */
export function isRetired({ options }: GlusterVolume): boolean {
  return options.get(OPTION.retired) === 'yes';
}

/** Who is let in. */
export function allowedBy({ options }: GlusterVolume): Allowed {
  return parseAllow(options.get(OPTION.allow) ?? null);
}

/** The revision of its list. Unreadable: 0, and the list is written anew. */
export function revisionOf({ options }: GlusterVolume): bigint {
  const text = options.get(OPTION.revision) ?? '';
  return parseRevision(text) ?? 0n;
}

/** The text of its record; null: there is none. */
export function recordTextOf({ options }: GlusterVolume): string | null {
  const text = options.get(OPTION.record);
  return text === undefined ? null : Buffer.from(text, 'base64url').toString('utf8');
}

/** Its record; null: there is none, or it cannot be read. */
export function recordOf(volume: GlusterVolume): VolumeRecord | null {
  return parseRecord(recordTextOf(volume));
}

function parseVolume(element: XmlElement): GlusterVolume {
  const name = textOf(element, 'name');
  const state = textOf(element, 'statusStr');
  if (name === null || state === null) throw new Error('gluster has not said a volume’s name and state');
  const options = childrenOf(elementAt(element, 'options'), 'option');
  return {
    name,
    isStarted: state === 'Started',
    bricks: childrenOf(elementAt(element, 'bricks'), 'brick').map((brick) => textOf(brick, 'name') ?? ''),
    options: new Map(options.map((each) => [textOf(each, 'name') ?? '', textOf(each, 'value') ?? ''])),
  };
}
