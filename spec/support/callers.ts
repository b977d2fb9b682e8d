import type { Caller, Policy } from '../../lib/domain/permission';

/** Members are called so, and one user and one project may report events. */
export const POLICY: Policy = { memberRoles: ['member'], eventReporters: ['reporting-project', 'reporting-user'] };

/** A caller who acts in the URL of his own project. */
export const aCaller = (projectId: string, roles: readonly string[], rest: Partial<Caller> = {}): Caller => ({
  projectId,
  tenantId: projectId,
  userId: 'alice',
  roles,
  isAdmin: false,
  ...rest,
});
/** One of each kind; those of project alpha own what there is, beta has been granted something. */
export const CALLERS = {
  administrator: aCaller('admin', ['admin'], { isAdmin: true }),
  member: aCaller('alpha', ['member']),
  reader: aCaller('alpha', ['reader']),
  'caller without a role': aCaller('alpha', []),
  service: aCaller('alpha', ['service']),
  'member of the granted project': aCaller('beta', ['member']),
  stranger: aCaller('gamma', ['member']),
};
export type Who = keyof typeof CALLERS;

/** What an action ends in: `allowed`, or the name of its error. */
export function outcome(action: () => unknown): string {
  try {
    action();
    return 'allowed';
  } catch (error) {
    return error instanceof Error ? error.name : 'thrown';
  }
}
