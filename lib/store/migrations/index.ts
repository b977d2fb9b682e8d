import type { Knex } from 'knex';
import * as initial from './0001-initial';
import * as followedCloud from './0002-followed-cloud';
import * as doubts from './0003-doubts';
import * as numbers from './0004-numbers';
import * as deletedFilesystems from './0005-deleted-filesystems';
import * as drift from './0006-drift';
import * as manyFilers from './0007-many-filers';
import * as protocol from './0008-protocol';
import * as bounds from './0009-bounds';

interface Migration {
  readonly name: string;
  up(knex: Knex): Promise<void>;
  down(knex: Knex): Promise<void>;
}

/**
 * All migrations, in order. A typed list: a scan of the folder finds other names in `dist` than in `lib`, and knex would
 * call that a corrupt folder (docs/decisions/0006-migrations-as-a-typed-list.md). None may switch its transaction off:
 * knex' own lock would then survive a `kill -9`.
 */
export const MIGRATIONS: readonly Migration[] = [
  { name: '0001-initial', ...initial },
  { name: '0002-followed-cloud', ...followedCloud },
  { name: '0003-doubts', ...doubts },
  { name: '0004-numbers', ...numbers },
  { name: '0005-deleted-filesystems', ...deletedFilesystems },
  { name: '0006-drift', ...drift },
  { name: '0007-many-filers', ...manyFilers },
  { name: '0008-protocol', ...protocol },
  { name: '0009-bounds', ...bounds },
];

/** What knex asks for. */
export const migrationSource: Knex.MigrationSource<Migration> = {
  getMigrations: async () => [...MIGRATIONS],
  getMigrationName: ({ name }) => name,
  getMigration: async (migration) => migration,
};
