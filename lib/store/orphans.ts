import type { CountingRule } from '../domain/address';
import type { Clock } from '../ports/clock';
import { VolumeLost } from '../ports/driver';
import type { Adoption, Keeper, KnownRow, OrphanStore } from '../ports/orphan-store';
import { adoptVolume } from './adopt';
import { bump, NEXT_REVISION } from './bump';
import type { Database } from './database';
import { countsSql } from './entitlement';
import { DRIFT } from './foreign-access';

/** A run has found the volume lost, and nobody has asked for anything since. `$lost` is what it then says. */
const LOST = (parameter: string) =>
  `f.failed and f.leased_by is null and f.retired is null and f.last_error = ${parameter}`;
const LOST_MESSAGE = new VolumeLost().message;

/** Nothing is to be done, as far as is known. */
const IN_STEP = `f.retired is null and f.applied_size_bytes is not null and f.leased_by is null
  and not f.failed and f.failures = 0 and f.applied_revision = f.desired_revision`;

/** Volumes without a row and rows without a volume, in Postgres. */
export class PostgresOrphans implements OrphanStore {
  readonly #counts: string;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    rule: CountingRule,
  ) {
    this.#counts = `i.state = 'live' and a.doubted is null and ${countsSql(rule, 'a')}`;
  }

  async identity(backend: string): Promise<string | null> {
    const [row] = await this.database.query<{ identity: string }>('select identity from backends where name = $1', [
      backend,
    ]);
    return row?.identity ?? null;
  }

  async withoutRow(backend: string, ids: readonly string[]): Promise<readonly string[]> {
    return this.#ids(
      `select id from unnest($2::uuid[]) as volume(id)
       where not exists (select from filesystems f where f.id = volume.id and f.backend = $1)`,
      [backend, ids],
    );
  }

  async absent(backend: string, inService: readonly string[]): Promise<readonly string[]> {
    return this.#ids(
      `select f.id from filesystems f left join unnest($2::uuid[]) as volume(id) on volume.id = f.id
       where f.backend = $1 and volume.id is null and f.deletion_wanted is null and ${IN_STEP}
       order by f.id`,
      [backend, inService],
    );
  }

  async lookAgain(ids: readonly string[]): Promise<number> {
    return this.database.transaction(async (trx) => {
      const { rows } = await trx.raw<{ rows: { id: string }[] }>(
        `select f.id from filesystems f where f.id = any(?::uuid[]) and ${IN_STEP}
         order by f.id for no key update of f`,
        [[...ids]],
      );
      const bumps = rows.map(({ id }) => ({ id, withdraws: true, cause: DRIFT }));
      await bump(trx, this.database.schema, bumps, this.clock.now());
      return rows.length;
    });
  }

  async heldByLive(addresses: readonly string[], { scope, project, owner }: Keeper): Promise<readonly string[]> {
    const claimed = (by: string) =>
      `exists (select from instance_addresses a join instances i on i.id = a.instance_id
         where a.address = list.address and ${this.#counts} and ${by})`;
    // an address that somebody else's instance has too lets in nobody of another project
    const held =
      scope === 'global'
        ? claimed('$2::text is null')
        : `${claimed('i.project = $2::text')} and not ${claimed('i.project is distinct from $2::text')}`;
    const projects = { global: null, project, instance: owner };
    const rows = await this.database.query<{ address: string }>(
      `select host(list.address) as address from unnest($1::inet[]) as list(address) where ${held} order by list.address`,
      [addresses, projects[scope]],
    );
    return rows.map(({ address }) => address);
  }

  async row(id: string): Promise<KnownRow | null> {
    const [row] = await this.database.query<KnownRow & Record<string, unknown>>(
      `select f.id, f.name, f.backend, f.retired is not null as retired,
         f.deletion_wanted is not null as "deletionWanted", coalesce(${LOST('$2')}, false) as lost
       from filesystems f where f.id = $1`,
      [id, LOST_MESSAGE],
    );
    return row ?? null;
  }

  async adopt(adoption: Adoption): Promise<void> {
    await adoptVolume(this.database, this.clock.now(), adoption);
  }

  async recreate(id: string): Promise<boolean> {
    return this.#retry(
      id,
      `applied_size_bytes = null, applied_size_text = null, export_location = null, protocol = null, volume_fingerprint = null,
       used_bytes = null, used_counted = null,`,
      'recreate',
    );
  }

  async retry(id: string): Promise<boolean> {
    return this.#retry(id, 'volume_fingerprint = null,', 'adopt');
  }

  async #retry(id: string, set: string, cause: string): Promise<boolean> {
    const rows = await this.database.query(
      `with again as (
         update filesystems f set ${set} failed = false, failures = 0, last_error = null,
           fault_message = null, fault_created = null, next_attempt = $3, behind_since = coalesce(f.behind_since, $3),
           desired_revision = ${NEXT_REVISION}, withdraw_revision = ${NEXT_REVISION},
           cause = $4, updated = $3
         where f.id = $1 and f.deletion_wanted is null and ${LOST('$2')}
         returning f.id
       )
       select pg_notify($5, '') from again`,
      [id, LOST_MESSAGE, this.clock.now(), cause, this.database.schema],
    );
    return rows.length > 0;
  }

  async #ids(text: string, values: readonly unknown[]): Promise<readonly string[]> {
    return (await this.database.query<{ id: string }>(text, values)).map(({ id }) => id);
  }
}
