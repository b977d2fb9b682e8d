import { isUuid } from '../domain/uuid';

/**
 * The id of a filesystem, as a part of a path.
 * @throws Error when it is no UUID: a path is never made of anything else
 */
export function fileNameOf(id: string): string {
  if (!isUuid(id)) throw new Error('the id of a volume is no UUID');
  return id;
}

/** Whether a name in a folder may be that of a volume. */
export function isVolumeId(name: string): boolean {
  return isUuid(name);
}
