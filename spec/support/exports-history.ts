import { type FSWatcher, watch } from 'node:fs';
import * as path from 'node:path';
import type { FollowingGateway } from './following-gateway';

interface Seen {
  readonly at: Date;
  readonly addresses: readonly string[];
}

/** What an exports file had, and since when: as whoever reads it at each of its changes sees it. */
export class ExportsHistory {
  readonly #seen: Seen[] = [];
  readonly #watcher: FSWatcher;

  constructor(
    private readonly gateway: FollowingGateway,
    readonly filesystemId: string,
  ) {
    this.#watcher = watch(path.join(gateway.folder, 'exports'), (_event, name) => {
      if (name === null || name.startsWith(filesystemId)) this.#look();
    });
    this.#look();
  }

  /** Sorted. */
  get now(): readonly string[] {
    this.#look();
    return this.#seen.at(-1)?.addresses ?? [];
  }

  /** Since when it has what it has now. */
  get since(): Date {
    this.#look();
    return this.#seen.at(-1)?.at ?? new Date();
  }

  /** Whoever was let in at any time since. */
  everSince(time: Date): ReadonlySet<string> {
    const before = this.#seen.findLast(({ at }) => at <= time);
    const later = this.#seen.filter(({ at }) => at > time);
    return new Set([...(before ? [before] : []), ...later].flatMap(({ addresses }) => addresses));
  }

  stop(): void {
    this.#watcher.close();
  }

  #look(): void {
    const addresses = this.gateway.exported(this.filesystemId).toSorted();
    if (String(addresses) !== String(this.#seen.at(-1)?.addresses ?? []))
      this.#seen.push({ at: new Date(), addresses });
  }
}
