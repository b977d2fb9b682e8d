import type { CountingRule } from '../domain/address';
import type { Clock } from '../ports/clock';
import type { ProcessIdentity } from '../ports/process';
import {
  type Claim,
  type ClaimKind,
  LEASE_MILLISECONDS,
  type ServedBackend,
  type WorkStore,
} from '../ports/work-store';
import { CLAIM, KIND, NOT_BEFORE } from './claim';
import type { Database } from './database';
import { after, FREE } from './release';
import { PostgresSettlements } from './settlements';

interface ClaimRow {
  readonly id: string;
  readonly kind: ClaimKind;
  readonly lease_token: string;
  readonly failures: number;
}

/** What comes later is not looked at: it may be all that was deleted in a year. Leases end sooner, and everybody looks sooner again. */
const HORIZON_MILLISECONDS = 60_000;

/** The rows of these claims that are still theirs; `$1` ids, `$2` tokens. */
const HELD = `with held as materialized (
    select f.id from filesystems f join unnest($1::uuid[], $2::bigint[]) as claim(id, token)
    on f.id = claim.id and f.lease_token = claim.token
    order by f.id for no key update of f
  )`;

/** The queue: the filesystems' own rows (docs/architecture.md, rules 3 to 5), and the settling of what was claimed. */
export class PostgresWork extends PostgresSettlements implements WorkStore {
  constructor(
    database: Database,
    clock: Clock,
    rule: CountingRule,
    private readonly self: ProcessIdentity,
  ) {
    super(database, clock, rule);
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
      `${HELD}
       update filesystems f set next_attempt = $3 from held where f.id = held.id returning f.id`,
      [...claimArrays(claims), this.#leaseEnd(this.clock.now())],
    );
    return new Set(rows.map(({ id }) => id));
  }

  async nextDue(backend: string, kinds: readonly ClaimKind[]): Promise<Date | null> {
    const [row] = await this.database.query<{ due: Date | null }>(
      `select min(greatest(f.next_attempt, ${NOT_BEFORE})) as due
       from filesystems f where f.backend = $1 and f.next_attempt <= $3 and ${KIND} = any($2::text[])`,
      [backend, kinds, after(this.clock.now(), HORIZON_MILLISECONDS)],
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

  async giveBack(claims: readonly Claim[]): Promise<void> {
    if (claims.length === 0) return;
    await this.database.query(
      `${HELD},
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
       where backend = any($1::text[]) and next_attempt <= $2 and leased_by is not null`,
      [backends, after(this.clock.now(), HORIZON_MILLISECONDS)],
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

  #leaseEnd(now: Date): Date {
    return after(now, LEASE_MILLISECONDS);
  }
}

function claimArrays(claims: readonly Claim[]): [string[], string[]] {
  return [claims.map(({ filesystemId }) => filesystemId), claims.map(({ leaseToken }) => String(leaseToken))];
}
