import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import type { Filesystem } from '../domain/filesystem';
import type { InstanceState } from '../domain/instance';
import type { Candidate } from '../domain/placement';
import type { Attributes } from '../domain/put-filesystem';
import type { FilesystemTransaction, NewFilesystem } from '../ports/filesystem-store';
import type { Cause } from '../ports/viewer';
import { bump, DUE_NOW, NEXT_REVISION } from './bump';
import { readCandidates } from './candidates';
import { within } from './database';
import { type FilesystemTableRow, filesystemColumns, toFilesystem } from './rows';

/** What a request changes of filesystems and connections. The transaction holds the advisory lock, shared. */
export class PostgresFilesystemTransaction implements FilesystemTransaction {
  constructor(
    private readonly trx: Knex.Transaction,
    private readonly schema: string,
    private readonly now: Date,
    private readonly cause: Cause,
    private readonly backend: string | null,
  ) {}

  async lock(name: string): Promise<Filesystem | null> {
    const [row] = await this.#rows(
      `select ${filesystemColumns('f')} from filesystems f
       where f.name = :name and f.retired is null for no key update`,
      { name },
    );
    return row ?? null;
  }

  async candidates(names: readonly string[]): Promise<readonly Candidate[]> {
    return readCandidates(within(this.trx), names, this.now);
  }

  async create({ name, owner, attributes: { size, scope, project }, backend }: NewFilesystem): Promise<Filesystem> {
    const [created] = await this.#rows(
      `with created as (
         insert into filesystems (id, name, owner, scope, project, size_bytes, size_text, backend,
                                  next_attempt, behind_since, cause, created, updated)
         values (:id, :name, :owner, :scope, :project, :bytes, :text,
                 coalesce(:backend, (select b.name from backends b order by b.name limit 1), 'default'),
                 :now, :now, :cause, :now, :now)
         returning *
       )
       select ${filesystemColumns('f')}, pg_notify(:schema, '') from created f`,
      {
        id: randomUUID(),
        name,
        owner,
        scope,
        project,
        bytes: size.bytes,
        text: size.text,
        backend: backend ?? this.backend,
        now: this.now,
        cause: this.cause,
        schema: this.schema,
      },
    );
    if (!created) throw new Error('insert returned no row');
    return created;
  }

  async change(
    id: string,
    { attributes, endConnections, withdraws }: { attributes: Attributes; endConnections: boolean; withdraws: boolean },
  ): Promise<Filesystem> {
    if (endConnections) await this.trx('connections').where({ filesystem_id: id }).delete();
    const [changed] = await this.#bumpRow(
      id,
      `scope = :scope, project = :project, size_bytes = :bytes, size_text = :text,
       attributes_revision = f.attributes_revision + 1, ${CLEAR_FAULT},`,
      {
        scope: attributes.scope,
        project: attributes.project,
        bytes: attributes.size.bytes,
        text: attributes.size.text,
        withdraws,
      },
    );
    if (!changed) throw new Error('the filesystem went while its row was held');
    return changed;
  }

  async retry(id: string): Promise<void> {
    await this.#rows(
      `with due as (
         update filesystems f set ${AGAIN_NOW}, ${CLEAR_FAULT}, cause = :cause where f.id = :id returning *
       )
       select ${filesystemColumns('f')}, pg_notify(:schema, '') from due f`,
      { id, now: this.now, cause: this.cause, schema: this.schema },
    );
  }

  async markDeleting(id: string): Promise<void> {
    await this.#bumpRow(id, `deletion_wanted = coalesce(f.deletion_wanted, :now), ${CLEAR_FAULT},`, {
      withdraws: true,
    });
  }

  async instance(
    id: string,
  ): Promise<{ readonly project: string | null; readonly state: InstanceState | null } | null> {
    const row = await this.trx('instances')
      .select<{ project: string | null; state: InstanceState | null } | undefined>('project', 'state')
      .where({ id })
      .first();
    return row ?? null;
  }

  async isConnected(id: string, instanceId: string): Promise<boolean> {
    const row = await this.trx('connections')
      .select('instance_id')
      .where({ filesystem_id: id, instance_id: instanceId })
      .first();
    return row !== undefined;
  }

  async connect(id: string, instanceId: string, by: { userId: string | null; projectId: string }): Promise<void> {
    await this.trx('connections').insert({
      filesystem_id: id,
      instance_id: instanceId,
      connected_by_user: by.userId,
      connected_by_project: by.projectId,
      created: this.now,
    });
    await bump(this.trx, this.schema, [{ id, withdraws: false, cause: this.cause }], this.now);
  }

  async disconnect(id: string, instanceId: string): Promise<void> {
    await this.trx('connections').where({ filesystem_id: id, instance_id: instanceId }).delete();
    await bump(this.trx, this.schema, [{ id, withdraws: true, cause: this.cause }], this.now);
  }

  /** A change of the row itself: as `bump`, and a failure is tried again at once, since somebody asked. */
  async #bumpRow(id: string, set: string, values: Record<string, unknown>): Promise<Filesystem[]> {
    return this.#rows(
      `with changed as (
         update filesystems f set ${set} ${AGAIN_NOW},
           desired_revision = ${NEXT_REVISION},
           withdraw_revision = case when :withdraws then ${NEXT_REVISION} else f.withdraw_revision end,
           behind_since = coalesce(f.behind_since, :now), cause = :cause, updated = :now
         where f.id = :id returning *
       )
       select ${filesystemColumns('f')}, pg_notify(:schema, '') from changed f`,
      { ...values, id, now: this.now, cause: this.cause, schema: this.schema },
    );
  }

  async #rows(text: string, values: Readonly<Record<string, unknown>>): Promise<Filesystem[]> {
    const { rows } = await this.trx.raw<{ rows: FilesystemTableRow[] }>(
      text,
      values as Record<string, Knex.RawBinding>,
    );
    return rows.map(toFilesystem);
  }
}

/** On status `error` the next attempt is now; else it stays where it is, and so do back-off and lease (rule 4). */
const AGAIN_NOW = `
  next_attempt = case when f.failed and f.leased_by is null then :now else ${DUE_NOW(':now::timestamptz')} end,
  failures = case when f.failed then 0 else f.failures end,
  failed = false`;

/** What was wrong with the wish before is not said of the new one. */
const CLEAR_FAULT = 'fault_message = null, fault_created = null';
