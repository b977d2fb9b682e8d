const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The id of a filesystem, as a part of a path.
 * @throws Error when it is no UUID: a path is never made of anything else
 */
export function fileNameOf(id: string): string {
  if (!ID.test(id)) throw new Error('the id of a volume is no UUID');
  return id;
}

/** Whether a name in a folder may be that of a volume. */
export function isVolumeId(name: string): boolean {
  return ID.test(name);
}
