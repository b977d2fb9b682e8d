import type { Settings } from '../gateway/settings';
import { neverServed } from '../store/backends';
import { Database } from '../store/database';
import { migrate } from '../store/migrate';
import { grantReconciler, revokeReconciler } from '../store/reconciler-role';
import type { RoleChange } from './arguments';

/**
 * Brings the schema to this version, and then changes the rights of a reconciler's role.
 * @returns what was done, in words
 * @throws Error with words for the operator
 */
export async function migrateAlone({ databaseUrl }: Settings, change: RoleChange | null): Promise<string> {
  if (databaseUrl === null)
    throw new Error('DATABASE_URL is missing: the embedded Postgres is migrated by the gateway that starts it.');
  const database = new Database({ connectionString: databaseUrl, poolSize: 2 });
  try {
    await migrate(database);
    if (change === null) return 'The schema is of this version.\n';
    if (change.kind === 'revoke') {
      await revokeReconciler(database, change.role);
      return `The role "${change.role}" has no rights in the schema any more.\n`;
    }
    const isLimited = await grantReconciler(database, change.role, change.backends);
    const strange = await neverServed(database, change.backends);
    return [
      `The role "${change.role}" works on ${change.backends.join(', ')}, and on nothing else.\n`,
      ...(isLimited ? [] : ['Its sessions have no limits of time: an administrator sets them (docs/filers.md).\n']),
      ...(strange.length === 0 ? [] : [`No process has ever served ${strange.join(', ')}: is the name right?\n`]),
    ].join('');
  } finally {
    await database.close();
  }
}
