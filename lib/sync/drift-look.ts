import { type AccessDrift, accessDrift, type DriftKind, isInStep, lastingDrift } from '../domain/drift';
import { isCredibleRevision } from '../domain/revision';
import type { AtRest, DriftStore } from '../ports/drift-store';
import { type Driver, NewerRevision } from '../ports/driver';
import type { Logger } from '../ports/host';
import type { Metrics } from '../ports/metrics';

/** `report`: differences are told. `repair`: they are put right too. */
export type DriftMode = 'report' | 'repair';

/** Addresses in one line of the log at most. */
const MOST_TOLD = 20;

const MESSAGES: Readonly<Record<DriftKind, string>> = {
  extra: 'the backend lets in addresses that were never confirmed',
  missing: 'the backend does not let in addresses that were confirmed',
  foreign: 'the backend lets in names, blocks or everybody',
  behind: "the backend's record of a volume is newer than the database: was an old backup restored?",
};

/** Compares one volume with what was last confirmed of it. A difference is told once: by the access log, or by this process. */
export class DriftLook {
  /** What the access log cannot hold, by volume, as it was last told. */
  readonly #told = new Map<string, string>();

  constructor(
    private readonly store: DriftStore,
    private readonly driver: Driver,
    private readonly backend: string,
    private readonly repairs: boolean,
    private readonly logger: Logger,
    private readonly metrics: Metrics,
  ) {}

  /** @returns false: it was worked on, and has to be looked at later */
  async at(id: string, signal: AbortSignal): Promise<boolean> {
    const seen = await this.store.atRest(id);
    if (!seen) return false;
    const drift = await this.#drift(seen, signal);
    if (isInStep(drift) && !seen.hasForeign) {
      this.#told.delete(`foreign ${id}`);
      return this.#compareRecord(seen, signal);
    }
    const noted = await this.store.note(seen, drift, this.repairs);
    if (!noted) return false;
    this.#tell(seen, 'extra', noted.extra);
    this.#tell(seen, 'missing', noted.missing);
    if (this.#isNews(`foreign ${id}`, drift.foreign.join(' '))) this.#tell(seen, 'foreign', drift.foreign);
    if (seen.retired && this.repairs && !isInStep(drift)) await this.#closeRetired(seen, signal);
    return true;
  }

  async #drift({ volume, confirmed }: AtRest, signal: AbortSignal): Promise<AccessDrift> {
    const look = async () => accessDrift(confirmed, await this.driver.readAccess(volume, signal));
    const first = await look();
    return isInStep(first) ? first : lastingDrift(first, await look());
  }

  /** A record of a later revision than the row's: the database is an old one, and may not know the volume's size any more. */
  async #compareRecord(seen: AtRest, signal: AbortSignal): Promise<boolean> {
    const { volume, retired } = seen;
    if (retired) return true;
    const record = await this.driver.record(volume.id, signal);
    if (!record || record.revision <= volume.desiredRevision) return true;
    // one that nobody can have come to is told, and nothing is done by it
    const repairs = this.repairs && isCredibleRevision(record.revision);
    if (repairs && !(await this.store.catchUp(seen, record.revision))) return false;
    if (this.#isNews(`behind ${volume.id}`, String(record.revision)))
      this.#tell(seen, 'behind', [`revision ${record.revision}`, record.size]);
    return true;
  }

  /**
   * No run comes to what is out of service: it is closed here, also where the backend has a later revision, from before the
   * database was restored: a list that is written when it is put back into service has a higher one still.
   */
  async #closeRetired({ volume, leaseToken }: AtRest, signal: AbortSignal): Promise<void> {
    const close = (revision: bigint) => this.driver.syncAccess(volume, { addresses: [], revision }, false, signal);
    try {
      await close(volume.desiredRevision);
    } catch (error) {
      if (!(error instanceof NewerRevision)) throw error;
      const again = await this.store.atRest(volume.id);
      if (again?.retired && again.leaseToken === leaseToken) await close(error.revision);
    }
  }

  /** Empty words are never news. */
  #isNews(what: string, words: string): boolean {
    const before = this.#told.get(what);
    if (words === '') this.#told.delete(what);
    else this.#told.set(what, words);
    return words !== '' && words !== before;
  }

  #tell({ volume: { id, name }, retired }: AtRest, kind: DriftKind, found: readonly string[]): void {
    if (found.length === 0) return;
    this.metrics.driftFound(this.backend, kind, kind === 'behind' ? 1 : found.length);
    this.logger.error(
      {
        backend: this.backend,
        filesystem: name,
        id,
        retired,
        kind,
        count: found.length,
        found: found.slice(0, MOST_TOLD),
      },
      MESSAGES[kind],
    );
  }
}
