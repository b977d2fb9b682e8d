import type { BackendRecord, BackendStore } from '../ports/backend-store';
import type { Clock } from '../ports/clock';
import type { Driver } from '../ports/driver';
import type { BackendState, BackendStatus } from '../ports/extension';
import type { Logger } from '../ports/host';
import type { Metrics } from '../ports/metrics';
import type { ServedBackend } from '../ports/work-store';

/** Runs that begin in so many milliseconds after a check was begun need no other. */
const TOGETHER_MILLISECONDS = 25;

/** What may be done on a backend: everything, only take away, nothing. */
export type Soundness = 'sound' | 'withdraw-only' | 'down';

/**
 * Whether a backend can be worked on: one condition a backend, said once (docs/architecture.md, rules 8, 12 and 14). Its
 * check runs before every run of the reconciler, so the first that fails stops the claims.
 */
export class BackendHealth {
  #record: BackendRecord | null = null;
  /** Whether its settings were put in force: when its storage was found to be the backend's own. */
  #isRegistered = false;
  #state: BackendState = 'starting';
  #message: string | null = null;
  #isUpElsewhere = false;
  #check: Promise<Soundness> | null = null;
  /** When the last check that found it sound was begun, by `Clock.monotonic`. */
  #checked = Number.NEGATIVE_INFINITY;

  constructor(
    readonly served: ServedBackend,
    private readonly driverName: string,
    private readonly driver: Driver,
    private readonly backends: BackendStore,
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly metrics: Metrics,
  ) {}

  /** Detail of `readyz`. */
  get status(): BackendStatus {
    return {
      name: this.served.name,
      driver: this.driverName,
      served: 'here',
      state: this.#state,
      message: this.#message,
      lacks: lacks(this.driver),
    };
  }

  /**
   * Whether its filesystems may be claimed: also where its storage is absent, since access may still be taken away; but not
   * where another process has the storage, whose lists are the ones that count.
   */
  get mayClaim(): boolean {
    return this.#state === 'up' || (this.#state === 'withdraw-only' && !this.#isUpElsewhere);
  }

  /** Whether a check may bring it up. One whose settings are outdated waits until they are in force again. */
  get mayRecover(): boolean {
    return this.#state !== 'up' && this.#state !== 'outdated-settings';
  }

  /**
   * Compares the marker of the storage with the backend's identity: before every run, and every 2 s while it is not up. Runs
   * that begin together, in so many milliseconds, share one check.
   * @param options `anew`: not one that was begun before
   */
  async verify(signal: AbortSignal, { anew = false } = {}): Promise<Soundness> {
    if (!anew && this.#state === 'up' && this.clock.monotonic() < this.#checked + TOGETHER_MILLISECONDS) return 'sound';
    // it belongs to all who share it: nobody's signal ends it, its own time does
    if (anew) await this.#check;
    this.#check ??= this.#verify(new AbortController().signal).finally(() => {
      this.#check = null;
    });
    const soundness = await this.#check;
    signal.throwIfAborted();
    return soundness;
  }

  async #verify(signal: AbortSignal): Promise<Soundness> {
    const begun = this.clock.monotonic();
    try {
      const { identity } = this.#isRegistered && this.#record ? this.#record : await this.#introduce(signal);
      const marker = await this.driver.check(signal);
      if (marker === identity) {
        this.#become('up', null);
        this.#checked = begun;
        return 'sound';
      }
      this.#become('withdraw-only', wrongMarker(marker, identity));
      return 'withdraw-only';
    } catch (error) {
      this.#become('down', error instanceof Error ? error.message : String(error));
      return 'down';
    }
  }

  /** Tells Postgres that this process serves it, and looks whether a newer configuration is in force. */
  async beat(): Promise<void> {
    if (!this.#record) return;
    const { fingerprint, isUpElsewhere } = await this.backends.heartbeat(this.served, {
      state: this.#state,
      message: this.#message,
    });
    this.#isUpElsewhere = isUpElsewhere;
    // its own settings are not in force yet: they are when its storage is there
    if (!this.#isRegistered) return;
    if (fingerprint === this.served.fingerprint) {
      if (this.#state === 'outdated-settings') this.#become('starting', null);
    } else
      this.#become(
        'outdated-settings',
        'Another process has started with other settings: start this one with the same.',
      );
  }

  /** Puts this process' settings in force, unless its storage is not the backend's own: whose is not has no say in them. */
  async #introduce(signal: AbortSignal): Promise<BackendRecord> {
    const known = await this.backends.find(this.served.name);
    const isOwn = !known?.marked || (await this.driver.check(signal)) === known.identity;
    this.#record = isOwn ? await this.#enroll(signal) : known;
    this.#isRegistered = isOwn;
    return this.#record;
  }

  /** Makes the backend's row, and marks storage that never had a marker for a backend that never had one. */
  async #enroll(signal: AbortSignal): Promise<BackendRecord> {
    const record = await this.backends.register(
      this.served,
      this.driverName,
      lacks(this.driver),
      this.driver.capabilities.isolation,
    );
    if (record.marked) return record;
    await this.backends.enroll(record.name, async () => {
      if ((await this.driver.check(signal)) === null) await this.driver.mark(record.identity, signal);
      return (await this.driver.check(signal)) === record.identity;
    });
    return record;
  }

  #become(state: BackendState, message: string | null): void {
    if (state === this.#state && message === this.#message) return;
    this.#state = state;
    this.#message = message;
    const facts = { backend: this.served.name, driver: this.driverName, state, reason: message };
    this.metrics.backendUp(this.served.name, state === 'up');
    if (state === 'up') this.logger.info(facts, 'backend is up');
    else if (state !== 'starting') this.logger.error(facts, 'backend is not up');
  }
}

function wrongMarker(marker: string | null, identity: string): string {
  return marker === null
    ? `The storage has no marker: it is not mounted, or was made anew. Mount it; where its data is lost for good, write ${identity} into its marker file (docs/drivers.md, "The marker").`
    : `The storage has the marker ${marker}, the database expects ${identity}: one of the two is another deployment's. Correct the backend's paths, or the database that is in use.`;
}

/** What the driver lacks or does not promise, in words for `readyz` and the log. */
function lacks({ capabilities }: Driver): string[] {
  const { quota, shrink, usage, isolation, enforces, boundedLists } = capabilities;
  return [
    ...(quota ? [] : ['quota: a volume can grow past its size']),
    ...(shrink ? [] : [quota ? 'shrink: no volume can be made smaller' : 'shrink: a smaller size is not refused']),
    ...(usage === 'walk' ? ['usage: counted at most once an hour'] : []),
    ...(usage === 'none' ? ['usage: what is used is not told'] : []),
    ...(isolation === 'file-system' ? [] : ['isolation: volumes share a file system']),
    ...(boundedLists ? ['long lists: addresses that do not fit are refused'] : []),
    ...(enforces === 'server' ? [] : ['enforcement: access lists are only written, no server is told']),
  ];
}
