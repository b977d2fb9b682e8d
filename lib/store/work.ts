import type { CountingRule } from '../domain/address';
import type { Size } from '../domain/size';
import type { Clock } from '../ports/clock';
import type { ProcessIdentity } from '../ports/process';
import {
  type AccessSettlement,
  type Claim,
  type ClaimKind,
  LEASE_MILLISECONDS,
  type Release,
  type ServedBackend,
  type Wanted,
  type WorkStore,
} from '../ports/work-store';
import { Announcements } from './announcements';
import { CLAIM, KIND, NOT_BEFORE } from './claim';
import type { Database } from './database';
import type { PreparedStatement } from './entitlement';
import { assignNumber } from './numbers';
import { after, FREE, RELEASE, releaseValues } from './release';
import { settleAccess } from './settle-access';
import { readWanted, wantedStatement } from './wanted';

/** What a filesystem's owner reads while its backend fails in a way that may pass. The reason is the operator's: the log has it. */
const TRIED_AGAIN = 'The storage backend could not carry this out yet. It is tried again by itself.';

interface ClaimRow {
  readonly id: string;
  readonly kind: ClaimKind;
  readonly lease_token: string;
  readonly failures: number;
}

/** The queue: the filesystems' own rows (docs/architecture.md, rules 3 to 5). Every write is guarded by the lease token. */
export class PostgresWork implements WorkStore {
  readonly #wanted: PreparedStatement;
  readonly #announcements: Announcements;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    rule: CountingRule,
    private readonly self: ProcessIdentity,
  ) {
    this.#wanted = wantedStatement(rule);
    this.#announcements = new Announcements(database);
  }

  async claim(backend: ServedBackend, limits: Readonly<Record<ClaimKind, number>>): Promise<readonly Claim[]> {
    const now = this.clock.now();
    const rows = await this.database.query<ClaimRow>(
      CLAIM,
      [
        now,
        backend.name,
        backend.fingerprint,
        this.#leaseEnd(now),
        this.self.text,
        limits.short,
        limits.long,
        limits.purge,
      ],
      'claim',
    );
    return rows.map(({ id, kind, lease_token: token, failures }) => ({
      filesystemId: id,
      backend: backend.name,
      kind,
      leaseToken: BigInt(token),
      failures,
    }));
  }

  async renew(claims: readonly Claim[]): Promise<ReadonlySet<string>> {
    const rows = await this.database.query<{ id: string }>(
      `with held as materialized (
         select f.id from filesystems f join unnest($1::uuid[], $2::bigint[]) as claim(id, token)
         on f.id = claim.id and f.lease_token = claim.token
         order by f.id for no key update of f
       )
       update filesystems f set next_attempt = $3 from held where f.id = held.id returning f.id`,
      [...claimArrays(claims), this.#leaseEnd(this.clock.now())],
    );
    return new Set(rows.map(({ id }) => id));
  }

  async nextDue(backend: string, kinds: readonly ClaimKind[]): Promise<Date | null> {
    const [row] = await this.database.query<{ due: Date | null }>(
      `select min(greatest(f.next_attempt, ${NOT_BEFORE})) as due
       from filesystems f where f.backend = $1 and f.next_attempt is not null and ${KIND} = any($2::text[])`,
      [backend, kinds],
    );
    return row?.due ?? null;
  }

  async lag(backend: string): Promise<{ readonly due: number; readonly oldest: Date | null }> {
    const [row] = await this.database.query<{ due: string; oldest: Date | null }>(
      `select count(*) as due, min(behind_since) as oldest from filesystems
       where backend = $1 and behind_since is not null and not failed and retired is null`,
      [backend],
    );
    return { due: Number(row?.due ?? 0), oldest: row?.oldest ?? null };
  }

  async wanted(claim: Claim): Promise<Wanted | null> {
    return readWanted(this.database, this.clock.now(), this.#wanted, claim);
  }

  async assignNumber(claim: Claim, taken: ReadonlySet<number>, largest: number): Promise<number | null> {
    return assignNumber(this.database, claim, taken, largest);
  }

  async settleVolume(
    claim: Claim,
    { exportLocation, size }: { readonly exportLocation: string; readonly size: Size },
  ): Promise<boolean> {
    return this.#settle(
      claim,
      `export_location = $4, applied_size_bytes = $5, applied_size_text = $6,
       volume_fingerprint = (select b.fingerprint from backends b where b.name = f.backend),
       updated = case when f.applied_size_bytes is distinct from $5::bigint then $3 else f.updated end`,
      [exportLocation, size.bytes, size.text],
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
    return this.#settle(
      claim,
      `retired = $3, applied_revision = f.desired_revision, behind_since = null, failures = 0,
       fault_message = null, fault_created = null, last_error = null,
       next_attempt = $4, ${FREE}`,
      [after(this.clock.now(), purgeAfterMilliseconds)],
    );
  }

  async settlePurged({ filesystemId, leaseToken }: Claim): Promise<boolean> {
    const rows = await this.database.query<{ id: string }>(
      'delete from filesystems where id = $1 and lease_token = $2 and retired is not null returning id',
      [filesystemId, leaseToken],
    );
    return rows.length > 0;
  }

  async postpone(claim: Claim, delayMilliseconds: number, reason: string): Promise<boolean> {
    return this.#settle(
      claim,
      `failures = f.failures + 1, last_error = $4, fault_message = $5,
       fault_created = case when f.failures > 0 and f.fault_created is not null then f.fault_created else $3 end,
       next_attempt = $6, ${FREE}`,
      [reason, TRIED_AGAIN, after(this.clock.now(), delayMilliseconds)],
    );
  }

  async park(claim: Claim, revision: bigint, reason: string): Promise<boolean> {
    return this.#settle(
      claim,
      `failures = greatest(f.failures, 1), last_error = $4, fault_message = $5,
       fault_created = case when f.failures > 0 and f.fault_created is not null then f.fault_created else $3 end,
       -- a change that came meanwhile may take somebody's access away
       next_attempt = case when f.desired_revision > $6::bigint then $3 end, ${FREE}`,
      [reason, TRIED_AGAIN, revision],
    );
  }

  async overtake(claim: Claim, revision: bigint): Promise<boolean> {
    return this.#settle(
      claim,
      `desired_revision = greatest(f.desired_revision, $4::bigint) + 1,
       withdraw_revision = greatest(f.desired_revision, $4::bigint) + 1,
       behind_since = coalesce(f.behind_since, $3), next_attempt = $3, ${FREE}`,
      [revision],
    );
  }

  async fail(claim: Claim, message: string): Promise<boolean> {
    return this.#settle(
      claim,
      `failed = true, failures = f.failures + 1, last_error = $4, fault_message = $4, fault_created = $3,
       updated = $3, next_attempt = null, ${FREE}`,
      [message],
    );
  }

  async distrust({ filesystemId }: Claim): Promise<void> {
    await this.database.query(
      `with bumped as (
         update filesystems set desired_revision = desired_revision + 1, withdraw_revision = desired_revision + 1,
           next_attempt = coalesce(next_attempt, $2), behind_since = coalesce(behind_since, $2)
         where id = $1 and retired is null returning 1
       )
       select pg_notify($3, '') from bumped`,
      [filesystemId, this.clock.now(), this.database.schema],
    );
  }

  async giveBack(claims: readonly Claim[]): Promise<void> {
    if (claims.length === 0) return;
    await this.database.query(
      `with held as materialized (
         select f.id from filesystems f join unnest($1::uuid[], $2::bigint[]) as claim(id, token)
         on f.id = claim.id and f.lease_token = claim.token
         order by f.id for no key update of f
       ),
       freed as (
         update filesystems f set next_attempt = $3, ${FREE} from held where f.id = held.id returning 1
       )
       select pg_notify($4, '') from (select from freed limit 1) as any_freed`,
      [...claimArrays(claims), this.clock.now(), this.database.schema],
    );
  }

  async wake(backend: string, which: 'parked' | 'all'): Promise<void> {
    await this.database.query(
      `with waiting as materialized (
         select f.id from filesystems f
         where f.leased_by is null and f.id in (
           select id from filesystems
           where backend = $1 and next_attempt is null and failures > 0 and not failed
           union all
           select id from filesystems where $3 and backend = $1 and next_attempt > $2 and failures > 0
         )
         order by f.id for no key update of f
       )
       update filesystems f set next_attempt = $2 from waiting where f.id = waiting.id`,
      [backend, this.clock.now(), which === 'all'],
    );
  }

  async releaseDead(backends: readonly string[]): Promise<number> {
    const holders = await this.database.query<{ leased_by: string }>(
      `select distinct leased_by from filesystems
       where backend = any($1::text[]) and next_attempt is not null and leased_by is not null`,
      [backends],
    );
    const dead = holders.map(({ leased_by: holder }) => holder).filter((holder) => this.self.isDead(holder));
    if (dead.length === 0) return 0;
    const rows = await this.database.query<{ id: string }>(
      `with held as materialized (
         select id from filesystems where backend = any($1::text[]) and leased_by = any($2::text[])
         order by id for no key update
       )
       update filesystems f set next_attempt = $3, ${FREE} from held where f.id = held.id returning f.id`,
      [backends, dead, this.clock.now()],
    );
    return rows.length;
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

  #leaseEnd(now: Date): Date {
    return after(now, LEASE_MILLISECONDS);
  }
}

function claimArrays(claims: readonly Claim[]): [string[], string[]] {
  return [claims.map(({ filesystemId }) => filesystemId), claims.map(({ leaseToken }) => String(leaseToken))];
}
