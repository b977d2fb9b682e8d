import { Unavailable } from '../domain/errors';
import type { Filesystem } from '../domain/filesystem';
import { isCredibleRevision } from '../domain/revision';
import type { Clock } from '../ports/clock';
import { type AccessResult, type Driver, NewerRevision, TerminalError, VolumeLost } from '../ports/driver';
import type { Logger } from '../ports/host';
import type { Metrics, RunOutcome } from '../ports/metrics';
import type { AccessSettlement, Claim, Release, Settlements, Wanted, WorkQueue } from '../ports/work-store';
import type { BackendHealth } from './backend-health';
import { retryDelay } from './backoff';
import { LeaseLost } from './held-leases';
import type { Pace } from './pace';
import { Turnstile } from './turnstile';

/** Runs that read at once what should hold. */
const AT_ONCE = 2;

/** When addresses that the backend refused are tried again. */
const REFUSED_AGAIN_MILLISECONDS = 60_000;

/**
 * Brings one claimed filesystem's backend to what the row and the instance directory say now, and writes down how that
 * went. Level-triggered: it never asks what happened, so a notification that was lost, doubled or late changes nothing but
 * the moment at which this runs.
 */
export class Reconcile {
  readonly #reading = new Turnstile(AT_ONCE);

  constructor(
    private readonly work: Settlements & Pick<WorkQueue, 'giveBack'>,
    private readonly driver: Driver,
    private readonly health: Pick<BackendHealth, 'verify' | 'status'>,
    private readonly pace: Pace,
    private readonly clock: Clock,
    private readonly random: () => number,
    private readonly deletionGraceMilliseconds: number,
    private readonly logger: Logger,
    private readonly metrics: Metrics,
  ) {}

  /**
   * @param signal aborts with `LeaseLost`, or when the process ends
   * @throws Unavailable when Postgres is out of reach: the lease then runs out, and somebody does it again
   */
  async run(claim: Claim, signal: AbortSignal): Promise<RunOutcome> {
    let wanted: Wanted | null = null;
    try {
      wanted = await this.#reading.pass(() => this.work.wanted(claim));
      if (!wanted) return 'lost';
      return await this.#bringAbout(claim, wanted, signal);
    } catch (error) {
      if (error instanceof VolumeLost && !signal.aborted && (await this.#isElsewhere(signal))) {
        const revision = wanted?.access.revision ?? 0n;
        return (await this.work.park(claim, revision, this.#reason())) ? 'parked' : 'lost';
      }
      return await this.#writeDown(claim, wanted, signal.aborted ? signal.reason : error);
    }
  }

  async #bringAbout(claim: Claim, wanted: Wanted, signal: AbortSignal): Promise<RunOutcome> {
    const begun = this.clock.monotonic();
    const { work, driver } = this;
    const { filesystem } = wanted;
    switch (await this.health.verify(signal)) {
      case 'down':
        requireLease(await work.park(claim, wanted.access.revision, this.#reason()));
        return 'parked';
      case 'withdraw-only':
        await this.#withdrawFromWhatStands(claim, wanted, signal);
        requireLease(await work.park(claim, wanted.access.revision, this.#reason()));
        return 'parked';
      case 'sound':
    }
    if (wanted.retired) {
      requireLease(await work.beginPurge(claim));
      await driver.purge(filesystem, signal);
      requireLease(await work.settlePurged(claim));
      return 'purged';
    }
    if (filesystem.deletionWanted) {
      await this.#retire(claim, wanted, signal);
      return 'retired';
    }
    await this.#serve(claim, await this.#numbered(claim, wanted, signal), signal, begun);
    return 'applied';
  }

  /** Whether it is the storage that is not there, and not the volume alone: it may have gone since the check. */
  async #isElsewhere(signal: AbortSignal): Promise<boolean> {
    return (await this.health.verify(signal, { anew: true })) !== 'sound';
  }

  /** Access ends before anything else is tried: a failure of the rest keeps nobody let in (docs/architecture.md, rule 7). */
  async #retire(claim: Claim, wanted: Wanted, signal: AbortSignal): Promise<void> {
    await this.#takeAway(wanted, signal);
    requireLease(
      await this.work.settleAccess(claim, wanted, { applied: new Set(), refused: new Map(), complete: true }, null),
    );
    await this.driver.retire(wanted.filesystem, signal);
    requireLease(await this.work.settleRetired(claim, this.deletionGraceMilliseconds));
    this.#confirmed(claim, wanted);
  }

  /** With a number of its backend, where the driver needs one. */
  async #numbered(claim: Claim, wanted: Wanted, signal: AbortSignal): Promise<Wanted> {
    const { largestNumber } = this.driver.capabilities;
    if (largestNumber === null || wanted.filesystem.number !== null) return wanted;
    const number = await this.work.assignNumber(claim, await this.driver.numbers(signal), largestNumber);
    requireLease(number !== null);
    return { ...wanted, filesystem: { ...wanted.filesystem, number } };
  }

  async #serve(claim: Claim, wanted: Wanted, signal: AbortSignal, begun: number): Promise<void> {
    const { work } = this;
    const { filesystem, access } = wanted;
    const isNew = filesystem.appliedSize === null;
    if (wanted.restoring) await this.#restore(claim, filesystem, signal);
    if (isNew) await this.#ensure(claim, wanted, true, signal);

    const { refused } = await this.#grant(claim, wanted, signal);
    const applied = new Set(access.addresses.filter((address) => !refused.has(address)));
    const settlement: AccessSettlement = { applied, refused, complete: true };
    const retryAfter = refused.size > 0 ? REFUSED_AGAIN_MILLISECONDS : null;
    const release = (): Release => ({ ...this.pace.ended(this.clock.monotonic() - begun), retryAfter });

    const resized = filesystem.appliedSize !== null && filesystem.appliedSize.bytes !== filesystem.size.bytes;
    if (isNew || (wanted.volumeConfirmed && !resized))
      requireLease(await work.settleAccess(claim, wanted, settlement, release()));
    else {
      // what was granted and taken away is told before something else can fail
      requireLease(await work.settleAccess(claim, wanted, settlement, null));
      await this.#ensureAgain(claim, wanted, signal);
      requireLease(await work.release(claim, wanted, release()));
    }
    this.#confirmed(claim, wanted);
    this.logger.info(
      {
        ...facts(claim, wanted),
        addresses: applied.size,
        refused: refused.size,
        disputed: wanted.disputed.length,
        milliseconds: Math.round(this.clock.monotonic() - begun),
      },
      'access list applied',
    );
  }

  /** Nobody is let in yet: what was retired has no list. One that never had a volume is made as a new one. */
  async #restore(claim: Claim, filesystem: Filesystem, signal: AbortSignal): Promise<void> {
    try {
      await this.driver.restore(filesystem, signal);
    } catch (error) {
      if (!(error instanceof VolumeLost) || filesystem.appliedSize !== null) throw error;
    }
    requireLease(await this.work.settleRestored(claim));
    this.logger.info({ backend: claim.backend, filesystem: filesystem.name, id: filesystem.id }, 'volume restored');
  }

  async #ensure(claim: Claim, { filesystem }: Wanted, mayCreate: boolean, signal: AbortSignal): Promise<void> {
    const exportLocation = await this.driver.ensure(filesystem, mayCreate, signal);
    const { protocol } = this.driver.capabilities;
    requireLease(await this.work.settleVolume(claim, { exportLocation, protocol, size: filesystem.size }));
  }

  /** Resizes, and asks for the export location anew when settings have changed. A size that is refused goes back. */
  async #ensureAgain(claim: Claim, wanted: Wanted, signal: AbortSignal): Promise<void> {
    try {
      await this.#ensure(claim, wanted, false, signal);
    } catch (error) {
      if (!(error instanceof TerminalError) || error instanceof VolumeLost || signal.aborted) throw error;
      requireLease(await this.work.refuseResize(claim, error.message));
      this.logger.warn({ ...facts(claim, wanted), err: error }, 'resize refused');
    }
  }

  /** Where the whole list cannot be granted for good, at least what has to go goes. */
  async #grant(claim: Claim, wanted: Wanted, signal: AbortSignal): Promise<AccessResult> {
    try {
      return await this.driver.syncAccess(wanted.filesystem, wanted.access, true, signal);
    } catch (error) {
      if (error instanceof TerminalError && !signal.aborted) await this.#withdraw(claim, wanted, signal);
      throw error;
    }
  }

  /** Only takes away, and settles what the backend then has. @param kept as in `AccessSettlement` */
  async #withdraw(
    claim: Claim,
    wanted: Wanted,
    signal: AbortSignal,
    kept: ReadonlySet<string> = new Set(),
  ): Promise<void> {
    await this.#takeAway(wanted, signal);
    const applied = new Set(await this.driver.readAccess(wanted.filesystem, signal));
    const settlement = { applied, refused: new Map(), kept, complete: false };
    requireLease(await this.work.settleAccess(claim, wanted, settlement, null));
  }

  /**
   * Where the storage is not the backend's own, its lists may be another's too: only who is found on one, and is not on it any
   * more, is known to be out.
   */
  async #withdrawFromWhatStands(claim: Claim, wanted: Wanted, signal: AbortSignal): Promise<void> {
    const before = new Set(await this.driver.readAccess(wanted.filesystem, signal).catch(() => []));
    signal.throwIfAborted();
    const kept = new Set(wanted.entries.map(({ address }) => address).filter((each) => !before.has(each)));
    await this.#withdraw(claim, wanted, signal, kept);
  }

  async #takeAway({ filesystem, access }: Wanted, signal: AbortSignal): Promise<void> {
    try {
      await this.driver.syncAccess(filesystem, access, false, signal);
    } catch (error) {
      // taking access away is never given up, whatever a driver thinks of trying again
      if (error instanceof TerminalError) throw new Error(error.message, { cause: error });
      throw error;
    }
  }

  /** What is done about a run that did not come to its end. */
  async #writeDown(claim: Claim, wanted: Wanted | null, error: unknown): Promise<RunOutcome> {
    const { work, logger } = this;
    const said = { ...facts(claim, wanted), err: error };
    if (error instanceof Unavailable) throw error;
    if (error instanceof LeaseLost) {
      await work.distrust(claim);
      logger.warn(said, 'lease lost, run given up');
      return 'lost';
    }
    if (error instanceof Stopping) {
      await work.giveBack([claim]);
      return 'stopped';
    }
    if (error instanceof NewerRevision) return this.#overtake(claim, error, said);
    if (error instanceof TerminalError) {
      logger.error(said, 'reconcile failed until something changes');
      return (await work.fail(claim, error.message)) ? 'failed' : 'lost';
    }
    const { outcome, delay } = await this.#postpone(claim, error);
    logger.warn({ ...said, retryAfterMilliseconds: Math.round(delay) }, 'reconcile postponed');
    return outcome;
  }

  /** One that nobody can have come to is never gone above. It is tried again for ever: somebody may have to be cut off. */
  async #overtake(claim: Claim, error: NewerRevision, said: object): Promise<RunOutcome> {
    if (!isCredibleRevision(error.revision)) {
      this.logger.error(said, 'the backend holds an access list of a revision that there cannot be: look at it there');
      return (await this.#postpone(claim, error)).outcome;
    }
    this.logger.error(said, 'the backend holds a newer access list than the database: was an old backup restored?');
    return (await this.work.overtake(claim, error.revision)) ? 'overtaken' : 'lost';
  }

  async #postpone(claim: Claim, error: unknown): Promise<{ readonly outcome: RunOutcome; readonly delay: number }> {
    const delay = retryDelay(claim.failures, this.random);
    return { outcome: (await this.work.postpone(claim, delay, String(error))) ? 'postponed' : 'lost', delay };
  }

  #confirmed({ backend }: Claim, { behindSince }: Wanted): void {
    if (behindSince) this.metrics.converged(backend, (this.clock.now().getTime() - behindSince.getTime()) / 1_000);
  }

  #reason(): string {
    return this.health.status.message ?? 'the backend is not up';
  }
}

/** Why runs are aborted at shutdown: their claims are given back. */
export class Stopping extends Error {
  override readonly name = 'Stopping';
}

/** @throws LeaseLost */
function requireLease(held: boolean): void {
  if (!held) throw new LeaseLost('another process has the lease');
}

function facts({ backend, filesystemId }: Claim, wanted: Wanted | null): object {
  return {
    backend,
    filesystem: wanted?.filesystem.name,
    id: filesystemId,
    revision: wanted?.access.revision.toString(),
    cause: wanted?.cause,
  };
}
