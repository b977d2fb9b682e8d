import type { BackendServing, ServingStore } from '../ports/backend-store';
import type { Clock } from '../ports/clock';
import type { BackendStatus } from '../ports/extension';
import type { Logger } from '../ports/host';
import type { Metrics } from '../ports/metrics';

const EVERY_MILLISECONDS = 5_000;

/**
 * Looks whether every backend is worked on by some process, this one or another: a backend that nobody serves is one alarm,
 * and so is one that has filesystems and that the configuration does not name.
 */
export class ServedWatch {
  #known: readonly BackendServing[] = [];
  #hasLooked = false;
  /** The database was out of reach: what others tell is old, and comes again in a moment. */
  #hasMissed = false;
  readonly #unserved = new Set<string>();
  readonly #strangers = new Set<string>();

  /**
   * @param names the backends of the configuration
   * @param here those that this process works on
   */
  constructor(
    private readonly servings: ServingStore,
    private readonly names: readonly string[],
    private readonly here: ReadonlySet<string>,
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly metrics: Pick<Metrics, 'backendServed'>,
  ) {}

  /** Detail of `readyz`: those that this process does not work on. */
  get status(): readonly BackendStatus[] {
    const known = new Map(this.#known.map((each) => [each.name, each]));
    const others = [...this.names, ...this.#known.flatMap(({ name, isUsed }) => (isUsed ? [name] : []))];
    return [...new Set(others)]
      .filter((name) => !this.here.has(name))
      .map((name) => this.#statusOf(name, known.get(name)));
  }

  /** Looks until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        this.#compare(await this.servings.servings());
        this.#hasMissed = false;
      } catch (error) {
        this.#hasMissed = true;
        if (!signal.aborted) this.logger.debug({ err: error }, 'not known which backends are served');
      }
      await this.clock.sleep(EVERY_MILLISECONDS, signal);
    }
  }

  #compare(known: readonly BackendServing[]): void {
    if (this.#hasMissed) return;
    this.#known = known;
    this.#hasLooked = true;
    for (const { name, state, message } of this.status) this.#tell(name, state !== 'unserved', message);
    for (const name of this.here) this.metrics.backendServed(name, true);
    this.#tellStrangers();
  }

  /** Once, and once more when it is over. */
  #tell(name: string, isServed: boolean, reason: string | null): void {
    this.metrics.backendServed(name, isServed);
    if (!isServed && !this.#unserved.has(name)) {
      this.#unserved.add(name);
      this.logger.error({ backend: name, reason }, 'no process serves a backend: its filesystems wait');
    } else if (isServed && this.#unserved.delete(name))
      this.logger.info({ backend: name }, 'a backend is served again');
  }

  #tellStrangers(): void {
    // a process without any leaves all of them to others
    if (this.names.length === 0) return;
    for (const { name, isUsed } of this.#known) {
      if (!isUsed || this.names.includes(name) || this.#strangers.has(name)) continue;
      this.#strangers.add(name);
      this.logger.error({ backend: name }, 'there are filesystems on a backend that is not in the configuration');
    }
  }

  #statusOf(name: string, found: BackendServing | undefined): BackendStatus {
    const { driver = null, lacks = [], served = null } = found ?? {};
    const known = { name, driver, served: 'elsewhere', lacks } as const;
    if (!this.#hasLooked) return { ...known, state: 'starting', message: null };
    const stranger = this.names.length > 0 && !this.names.includes(name) ? STRANGER : null;
    if (!served)
      return {
        ...known,
        state: 'unserved',
        message: [unserved(found?.heartbeat ?? null), stranger].filter(Boolean).join(' '),
      };
    return { ...known, state: served.state, message: served.message ?? stranger };
  }
}

const STRANGER = 'This configuration does not name it, and there are filesystems on it: they are kept.';

function unserved(heartbeat: Date | null): string {
  return heartbeat === null
    ? 'No process has ever served it: start nova-shared-filesystem reconcile beside its filer.'
    : `No process serves it; the last one told so at ${heartbeat.toISOString()}. Look for the one beside its filer.`;
}
