import type { Clock } from '../ports/clock';
import { type Driver, NewerRevision, type StoredVolume } from '../ports/driver';
import type { Logger } from '../ports/host';
import type { Metrics } from '../ports/metrics';
import type { OrphanStore } from '../ports/orphan-store';
import type { BackendHealth } from './backend-health';
import { findOrphans, inBoth, shrinkList, whoStays } from './orphan';
import { isSound } from './sound';
import { type Beginning, untilItMayBegin } from './until-it-may-begin';

const JITTER = 0.1;
/** Until the backend is up. */
const POLL_MILLISECONDS = 2_000;

/**
 * Looks for volumes that stand on one backend without a row, at the start and then every interval. Each is an alarm, and is
 * never removed, changed or used; its list loses whom no live instance holds, as soon as it is known which are live. Rows whose
 * volumes are not there are run again, so that a lost volume is found though nothing changes.
 */
export class Orphans {
  readonly #told = new Set<string>();
  #count: number | null = null;
  #mayCut = false;
  /** Lists that waited, at the last look. */
  #leftWhole = 0;

  constructor(
    private readonly store: OrphanStore,
    private readonly driver: Driver,
    private readonly health: Pick<BackendHealth, 'served' | 'status' | 'verify'>,
    private readonly options: Beginning,
    private readonly clock: Clock,
    private readonly random: () => number,
    private readonly logger: Logger,
    private readonly metrics: Metrics,
  ) {}

  /** How many there were at the last look; null: there was none yet. */
  get count(): number | null {
    return this.#count;
  }

  /** Looks until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    // they are told at once: only the lists wait
    const begun = this.#begin(signal);
    while (!signal.aborted) {
      let pause = POLL_MILLISECONDS;
      this.#leftWhole = 0;
      try {
        if (await isSound(this.health, signal)) {
          pause = this.options.intervalMilliseconds * (1 + JITTER * (2 * this.random() - 1));
          await this.#look(signal);
        }
      } catch (error) {
        if (!signal.aborted) this.logger.warn({ err: error, backend: this.#backend }, 'orphans not looked for');
      }
      await (this.#leftWhole > 0 ? begun : this.clock.sleep(pause, signal));
    }
    await begun;
  }

  async #begin(signal: AbortSignal): Promise<void> {
    await untilItMayBegin(this.options, this.clock, signal);
    this.#mayCut = !signal.aborted;
  }

  get #backend(): string {
    return this.health.served.name;
  }

  async #look(signal: AbortSignal): Promise<void> {
    const found = await findOrphans(this.#backend, this.store, this.driver, signal);
    this.#count = found.length;
    this.metrics.orphans(this.#backend, found.length);
    for (const volume of found) await this.#attend(volume, signal);
    this.#forgetOthers(found);
    await this.#lookForLost(signal);
  }

  async #attend(volume: StoredVolume, signal: AbortSignal): Promise<void> {
    const orphan = { ...volume, record: await this.driver.record(volume.id, signal) };
    const said = { backend: this.#backend, id: volume.id, retired: volume.retired, name: orphan.record?.name };
    if (!this.#told.has(volume.id))
      this.logger.error(
        { ...said, owner: orphan.record?.owner, size: orphan.record?.size },
        'a volume stands on the backend without a row: adopt it, or purge it',
      );
    this.#told.add(volume.id);
    // what is retired lets in nobody, whoever is live
    if (!this.#mayCut && !volume.retired) {
      this.#leftWhole += 1;
      return;
    }
    try {
      const { before, kept } = await whoStays(orphan, this.store, this.driver, signal);
      if (kept.length === before.length) return;
      await shrinkList(this.#backend, orphan, kept, this.store, this.driver, signal);
      this.logger.warn({ ...said, withdrawn: before.length - kept.length, kept: kept.length }, 'list of an orphan cut');
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof NewerRevision)) this.logger.warn({ ...said, err: error }, 'list of an orphan not cut');
    }
  }

  /** One that comes back is told again. */
  #forgetOthers(found: readonly StoredVolume[]): void {
    const present = new Set(found.map(({ id }) => id));
    for (const id of this.#told) if (!present.has(id)) this.#told.delete(id);
  }

  async #lookForLost(signal: AbortSignal): Promise<void> {
    const first = await this.#absent(signal);
    if (first.length === 0) return;
    const both = new Set(await this.#absent(signal));
    const absent = first.filter((id) => both.has(id));
    // storage that has gone since is no lost volumes
    if (absent.length === 0 || !(await isSound(this.health, signal, { anew: true }))) return;
    const count = await this.store.lookAgain(absent);
    if (count > 0)
      this.logger.warn(
        { backend: this.#backend, count },
        'volumes are not on the backend: each is looked for by a run',
      );
  }

  async #absent(signal: AbortSignal): Promise<readonly string[]> {
    const volumes = await this.driver.volumes(signal);
    return this.store.absent(
      this.#backend,
      inBoth(volumes, volumes).flatMap(({ id, retired }) => (retired ? [] : [id])),
    );
  }
}
