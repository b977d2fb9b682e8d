import { type InstanceAddress, parseAddress } from '../domain/address';
import { InvalidInput, Unavailable } from '../domain/errors';
import { type Observation, observationTime } from '../domain/instance';
import { isInstanceId, isProjectId } from '../domain/name';
import type { Clock } from '../ports/clock';
import type { InstanceReport } from '../ports/extension';
import type { Changes, InstanceStore } from '../ports/store';

/** How long a host waits at most for every backend to confirm. */
const LONGEST_WAIT_MILLISECONDS = 60_000;

/** What a host says of its own instances, brought into the directory (docs/hosting.md, "Instances"). */
export class HostReports {
  constructor(
    private readonly instances: InstanceStore,
    private readonly changes: Changes,
    private readonly clock: Clock,
  ) {}

  /**
   * Stores what is said, all or nothing.
   * @param confirmed true: resolves when every backend has what follows from it; a deletion then lets nobody in any more
   * @throws InvalidInput naming the first report that cannot be read; Unavailable when a backend has not confirmed in a
   *   minute, naming it: what was reported is stored, and carried out when it can be
   */
  async report(reports: readonly InstanceReport[], confirmed: boolean, signal: AbortSignal): Promise<void> {
    const now = this.clock.now();
    const observations = reports.map((report, index) => toObservation(report, `reports[${index}]`, now));
    const concerned = await this.instances.apply(observations);
    if (confirmed) await this.#confirmed(concerned, signal);
  }

  async #confirmed(filesystemIds: readonly string[], signal: AbortSignal): Promise<void> {
    const until = this.clock.monotonic() + LONGEST_WAIT_MILLISECONDS;
    let watched: string | null = null;
    for (;;) {
      const left = until - this.clock.monotonic();
      const waiting = new AbortController();
      const end = () => waiting.abort();
      signal.addEventListener('abort', end, { once: true });
      try {
        // from before the look: a change in between is not missed
        const change = watched === null ? null : this.changes.next(watched, left, waiting.signal);
        const [behind, ...more] = await this.instances.unsettled(filesystemIds);
        if (!behind) return;
        if (left <= 0 || signal.aborted) throw notConfirmed(behind, more.length);
        if (behind.id === watched) await change;
        watched = behind.id;
      } finally {
        signal.removeEventListener('abort', end);
        waiting.abort();
      }
    }
  }
}

function notConfirmed({ backend, name }: { backend: string; name: string }, others: number): Unavailable {
  return new Unavailable(
    `Backend ${backend} has not confirmed filesystem ${name}, and ${others} more wait: it is carried out when it can be.`,
  );
}

function toObservation(report: InstanceReport, where: string, now: Date): Observation {
  const { id, project, state, addresses, time } = report;
  if (typeof id !== 'string' || !isInstanceId(id)) throw new InvalidInput(`${where}.id is not the id of an instance.`);
  if (project !== undefined && !isProjectId(project))
    throw new InvalidInput(`${where}.project is not the id of a project.`);
  if (!['live', 'suspended', 'gone'].includes(state))
    throw new InvalidInput(`${where}.state is not "live", "suspended" or "gone".`);
  return {
    instanceId: id,
    project,
    state,
    addresses: addresses?.map((each, index) => toAddress(each, `${where}.addresses[${index}]`)),
    time: observationTime(time === undefined ? null : new Date(time), now),
    source: 'host',
    cause: `host.${state}`,
  };
}

function toAddress(said: NonNullable<InstanceReport['addresses']>[number], where: string): InstanceAddress {
  const { address: text, kind = 'fixed', network, port } = typeof said === 'string' ? { address: said } : said;
  const address = parseAddress(text);
  if (address === null) throw new InvalidInput(`${where} is not an IPv4 or IPv6 address.`);
  if (kind !== 'fixed' && kind !== 'floating') throw new InvalidInput(`${where}.kind is not "fixed" or "floating".`);
  return { address, kind, network: network ?? null, port: port ?? null, mac: null };
}
