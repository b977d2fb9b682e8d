/** How one kind makes, measures and destroys volumes. What is mounted, renamed and answered is the same for all (`volumes.ts`). */
export interface VolumeKind {
  /** The tools that it runs are there, and the storage is as it needs it. @throws TerminalError */
  check(signal: AbortSignal): Promise<void>;
  /**
   * Makes an empty volume that is not in service yet, over whatever an interrupted call has left.
   * @param number bytes; a project number for `project-quota`
   * @returns where it is
   */
  begin(id: string, number: bigint, signal: AbortSignal): Promise<string>;
  /** Whether a volume in service is larger than so many bytes, and cannot be made smaller; where there is such a kind. */
  isMoreThan?(id: string, bytes: bigint): Promise<boolean>;
  /** Options, type and source for mount(8) of what is there; null where it is not mounted by itself. */
  mountable(file: string, signal: AbortSignal): Promise<{ type: string; options: string; source: string } | null>;
  /** Sets the size of a volume in service. @throws TerminalError when it holds more, or when that cannot be done */
  resize(id: string, bytes: bigint, signal: AbortSignal): Promise<void>;
  /** Bytes that volumes hold, of those that can be told. */
  usage(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, bigint>>;
  /** Project numbers that are taken. */
  numbers(signal: AbortSignal): Promise<readonly number[]>;
  /** What moves with a volume when it is set aside and back. */
  companions(file: string): readonly string[];
  /** Destroys some of what was set aside. @returns whether all is gone */
  purge(id: string, signal: AbortSignal): Promise<boolean>;
}

/** Why a volume is not made smaller than what is in it. The tools would do it silently. */
export function holdsMore(usedBytes: bigint, bytes: bigint): string | null {
  return usedBytes > bytes
    ? `The filesystem holds ${usedBytes} bytes, which is more than the new size of ${bytes} bytes: delete files first.`
    : null;
}
