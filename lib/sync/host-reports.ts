import { type InstanceAddress, parseAddress } from '../domain/address';
import { InvalidInput } from '../domain/errors';
import { type Observation, observationTime } from '../domain/instance';
import { isInstanceId, isProjectId } from '../domain/name';
import { lookUntil } from '../look-until';
import type { Clock } from '../ports/clock';
import type { InstanceStore, Target } from '../ports/directory-store';
import type { InstanceReport, Unconfirmed } from '../ports/extension';
import type { Changes } from '../ports/filesystem-store';

/** How long a host waits at most for every backend to confirm. */
const LONGEST_WAIT_MILLISECONDS = 60_000;

/** What a host says of its own instances, brought into the directory (docs/hosting.md, "Instances"). */
export class HostReports {
  constructor(
    private readonly instances: InstanceStore,
    private readonly changes: Changes,
    private readonly clock: Clock,
    private readonly nudge: () => void,
  ) {}

  /**
   * Stores what is said, all or nothing.
   * @param waitSeconds how long to wait until every backend has what follows from it, 60 at most; undefined: not at all
   * @returns what has not been confirmed in that time: it is stored, and carried out when it can be. Empty: after a
   *   deletion nobody is let in any more
   * @throws InvalidInput naming the first report that cannot be read; Unavailable while Postgres is out of reach
   */
  async report(
    reports: readonly InstanceReport[],
    waitSeconds: number | undefined,
    signal: AbortSignal,
  ): Promise<readonly Unconfirmed[]> {
    const now = this.clock.now();
    const observations = reports.map((report, index) => toObservation(report, `reports[${index}]`, now));
    const targets = await this.instances.applyAndTarget(observations);
    this.nudge(); // after the commit
    if (waitSeconds === undefined) return [];
    const ended = reports.flatMap(({ id, state }) => (state === 'live' ? [] : [id]));
    const milliseconds = Math.min(LONGEST_WAIT_MILLISECONDS, waitSeconds * 1_000);
    return this.#unconfirmed({ targets, ended }, milliseconds, signal);
  }

  async #unconfirmed(
    awaited: { readonly targets: readonly Target[]; readonly ended: readonly string[] },
    milliseconds: number,
    signal: AbortSignal,
  ): Promise<readonly Unconfirmed[]> {
    const { changes, clock } = this;
    const behind = await lookUntil({ changes, clock }, null, milliseconds, signal, async () => {
      const found = await this.instances.unconfirmed(awaited.targets, awaited.ended);
      return { found, watch: found[0]?.id ?? null };
    });
    return behind.map(({ name, backend }) => ({ filesystem: name, backend }));
  }
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
