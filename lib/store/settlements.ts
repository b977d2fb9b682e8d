import type { CountingRule } from '../domain/address';
import type { Size } from '../domain/size';
import type { Clock } from '../ports/clock';
import type { AccessSettlement, Claim, Release, Settlements, Wanted } from '../ports/work-store';
import { Announcements } from './announcements';
import { NEXT_REVISION } from './bump';
import type { Database } from './database';
import type { PreparedStatement } from './entitlement';
import { assignNumber } from './numbers';
import { after, FAIL, OVERTAKE, PARK, POSTPONE, RELEASE, RETIRE, releaseValues } from './release';
import { settleAccess } from './settle-access';
import { readWanted, wantedStatement } from './wanted';

/** What a filesystem's owner reads while its backend fails in a way that may pass. The reason is the operator's: the log has it. */
const TRIED_AGAIN = 'The storage backend could not carry this out yet. It is tried again by itself.';

/** Whether a size, `$5` and `$6`, is that of the row. */
const IS_WANTED = '(f.size_bytes, f.size_text) = ($5::bigint, $6::text)';

/** What a run reads, and how it is written down what became of it. Every write is guarded by the lease's token. */
export class PostgresSettlements implements Settlements {
  readonly #wanted: PreparedStatement;
  readonly #announcements: Announcements;

  constructor(
    protected readonly database: Database,
    protected readonly clock: Clock,
    rule: CountingRule,
  ) {
    this.#wanted = wantedStatement(rule);
    this.#announcements = new Announcements(database);
  }

  async wanted(claim: Claim): Promise<Wanted | null> {
    return readWanted(this.database, this.clock.now(), this.#wanted, claim);
  }

  async assignNumber(claim: Claim, taken: ReadonlySet<number>, largest: number): Promise<number | null> {
    return assignNumber(this.database, claim, taken, largest);
  }

  async settleVolume(
    claim: Claim,
    {
      exportLocation,
      protocol,
      size,
    }: { readonly exportLocation: string; readonly protocol: string; readonly size: Size },
  ): Promise<boolean> {
    return this.#settle(
      claim,
      // a size that is not wanted any more is not the row's: the run that follows confirms the volume anew
      `export_location = $4, protocol = $7,
       applied_size_bytes = case when ${IS_WANTED} then $5 else f.applied_size_bytes end,
       applied_size_text = case when ${IS_WANTED} then $6 else f.applied_size_text end,
       volume_fingerprint = case when ${IS_WANTED} or f.applied_size_bytes = $5::bigint
         then (select b.fingerprint from backends b where b.name = f.backend) end,
       updated = case when ${IS_WANTED} and f.applied_size_bytes is distinct from $5::bigint then $3 else f.updated end`,
      [exportLocation, size.bytes, size.text, protocol],
    );
  }

  async settleAccess(
    claim: Claim,
    wanted: Wanted,
    settlement: AccessSettlement,
    release: Release | null,
  ): Promise<boolean> {
    const held = await settleAccess(this.database, this.clock.now(), claim, wanted, settlement, release);
    if (held) this.#announcements.settled(claim.filesystemId);
    return held;
  }

  async refuseResize(claim: Claim, message: string): Promise<boolean> {
    return this.#settle(
      claim,
      `size_bytes = f.applied_size_bytes, size_text = f.applied_size_text,
       attributes_revision = f.attributes_revision + 1, fault_message = $4, fault_created = $3, updated = $3`,
      [message],
    );
  }

  async release(claim: Claim, wanted: Wanted, release: Release): Promise<boolean> {
    return this.#settle(claim, RELEASE, releaseValues(wanted, release, this.clock.now()));
  }

  async settleRetired(claim: Claim, purgeAfterMilliseconds: number): Promise<boolean> {
    return this.#settle(claim, RETIRE, [after(this.clock.now(), purgeAfterMilliseconds)]);
  }

  async beginPurge({ filesystemId, leaseToken }: Claim): Promise<boolean> {
    const rows = await this.database.query<{ id: string }>(
      `update filesystems set purging = coalesce(purging, $3)
       where id = $1 and lease_token = $2 and retired is not null returning id`,
      [filesystemId, leaseToken, this.clock.now()],
    );
    return rows.length > 0;
  }

  async settlePurged({ filesystemId, leaseToken }: Claim): Promise<boolean> {
    const rows = await this.database.query<{ id: string }>(
      'delete from filesystems where id = $1 and lease_token = $2 and retired is not null returning id',
      [filesystemId, leaseToken],
    );
    if (rows.length > 0) this.#announcements.settled(filesystemId);
    return rows.length > 0;
  }

  async settleRestored(claim: Claim): Promise<boolean> {
    return this.#settle(claim, 'restoring = false', []);
  }

  async postpone(claim: Claim, delayMilliseconds: number, reason: string): Promise<boolean> {
    return this.#settle(claim, POSTPONE, [reason, TRIED_AGAIN, after(this.clock.now(), delayMilliseconds)]);
  }

  async park(claim: Claim, revision: bigint, reason: string): Promise<boolean> {
    return this.#settle(claim, PARK, [reason, TRIED_AGAIN, revision]);
  }

  async overtake(claim: Claim, revision: bigint): Promise<boolean> {
    return this.#settle(claim, OVERTAKE, [revision]);
  }

  async fail(claim: Claim, message: string): Promise<boolean> {
    return this.#settle(claim, FAIL, [message]);
  }

  async distrust({ filesystemId }: Claim): Promise<void> {
    await this.database.query(
      `with bumped as (
         update filesystems f set desired_revision = ${NEXT_REVISION}, withdraw_revision = ${NEXT_REVISION},
           next_attempt = coalesce(f.next_attempt, $2), behind_since = coalesce(f.behind_since, $2)
         where f.id = $1 and f.retired is null returning 1
       )
       select pg_notify($3, '') from bumped`,
      [filesystemId, this.clock.now(), this.database.schema],
    );
  }

  /** One guarded update. `$1` the filesystem, `$2` the token, `$3` now; tells who waits for the filesystem. */
  async #settle({ filesystemId, leaseToken }: Claim, set: string, values: readonly unknown[]): Promise<boolean> {
    const rows = await this.database.query(
      `update filesystems f set ${set} where f.id = $1 and f.lease_token = $2 and $3::timestamptz is not null
       returning f.id`,
      [filesystemId, leaseToken, this.clock.now(), ...values],
    );
    if (rows.length > 0) this.#announcements.settled(filesystemId);
    return rows.length > 0;
  }
}
