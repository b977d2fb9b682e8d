import type { Clock } from '../ports/clock';
import type { Changes } from '../ports/filesystem-store';

/** Who waits for which filesystem, in this process. Fed by `Signals`. */
export class FilesystemChanges implements Changes {
  readonly #waiting = new Map<string, Set<AbortController>>();

  constructor(private readonly clock: Clock) {}

  async next(filesystemId: string, milliseconds: number, signal: AbortSignal): Promise<void> {
    const change = new AbortController();
    const waiting = this.#waiting.get(filesystemId) ?? new Set();
    this.#waiting.set(filesystemId, waiting.add(change));
    const end = () => change.abort();
    signal.addEventListener('abort', end, { once: true });
    try {
      if (!signal.aborted) await this.clock.sleep(milliseconds, change.signal);
    } finally {
      signal.removeEventListener('abort', end);
      waiting.delete(change);
      if (waiting.size === 0 && this.#waiting.get(filesystemId) === waiting) this.#waiting.delete(filesystemId);
    }
  }

  /** Wakes who waits for this filesystem. */
  changed(filesystemId: string): void {
    for (const change of this.#waiting.get(filesystemId) ?? []) change.abort();
  }
}
