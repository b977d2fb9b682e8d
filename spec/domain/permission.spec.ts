import { NotFound } from '../../lib/domain/errors';
import type { Scope } from '../../lib/domain/filesystem';
import {
  authorize,
  authorizeAttributes,
  authorizeDeleted,
  isVisible,
  requireDeletedReader,
  seesCause,
} from '../../lib/domain/permission';
import { CALLERS, outcome, POLICY, type Who } from '../support/callers';

/** Owned by alpha; of scope project it is granted to beta. */
const aFilesystem = (scope: Scope) => ({
  name: 'fs-1',
  owner: 'alpha',
  scope,
  project: scope === 'project' ? 'beta' : null,
});

describe('authorize', () => {
  it.each<[who: Who, scope: Scope, show: string, change: string, connect: string]>([
    ['administrator', 'global', 'allowed', 'allowed', 'allowed'],
    ['administrator', 'project', 'allowed', 'allowed', 'allowed'],
    ['administrator', 'instance', 'allowed', 'allowed', 'allowed'],
    ['member', 'global', 'allowed', 'Forbidden', 'allowed'],
    ['member', 'project', 'allowed', 'allowed', 'allowed'],
    ['member', 'instance', 'allowed', 'allowed', 'allowed'],
    ['reader', 'project', 'allowed', 'Forbidden', 'Forbidden'],
    ['caller without a role', 'project', 'allowed', 'Forbidden', 'Forbidden'],
    ['service', 'project', 'allowed', 'Forbidden', 'Forbidden'],
    ['member of the granted project', 'project', 'allowed', 'Forbidden', 'Forbidden'],
    ['member of the granted project', 'instance', 'NotFound', 'NotFound', 'NotFound'],
    ['stranger', 'global', 'allowed', 'Forbidden', 'Forbidden'],
    ['stranger', 'project', 'NotFound', 'NotFound', 'NotFound'],
    ['stranger', 'instance', 'NotFound', 'NotFound', 'NotFound'],
  ])('of a %s, on scope %s: to see is %s, to change %s, to connect %s', (who, scope, show, change, connect) => {
    const filesystem = aFilesystem(scope);
    const caller = CALLERS[who];
    for (const permission of ['show', 'instances:list', 'access_log'] as const)
      expect(outcome(() => authorize(POLICY, caller, permission, filesystem))).toBe(show);
    for (const permission of ['update', 'delete'] as const)
      expect(outcome(() => authorize(POLICY, caller, permission, filesystem))).toBe(change);
    for (const permission of ['instances:connect', 'instances:disconnect'] as const)
      expect(outcome(() => authorize(POLICY, caller, permission, filesystem))).toBe(connect);
    expect(isVisible(caller, filesystem)).toBe(show === 'allowed');
  });

  it('tells what is invisible and what is not there in the same words', () => {
    const words = (filesystem: ReturnType<typeof aFilesystem> | null) => () =>
      authorize(POLICY, CALLERS.stranger, 'delete', filesystem);
    expect(words(null)).toThrow(new NotFound('Filesystem could not be found.'));
    expect(words(aFilesystem('project'))).toThrow(new NotFound('Filesystem could not be found.'));
    expect(words(aFilesystem('global'))).toThrow("Policy doesn't allow delete to be performed on filesystem fs-1.");
  });
});

describe('authorizeAttributes', () => {
  it.each<[who: Who, scope: Scope, project: string | null, present: string | null, expected: string]>([
    ['administrator', 'global', null, null, 'allowed'],
    ['administrator', 'project', 'gamma', null, 'allowed'],
    ['member', 'instance', null, null, 'allowed'],
    ['member', 'project', 'alpha', null, 'allowed'],
    ['member', 'project', 'beta', 'beta', 'allowed'],
    ['member', 'project', 'gamma', 'beta', 'Forbidden'],
    ['member', 'project', 'beta', null, 'Forbidden'],
    ['member', 'global', null, null, 'Forbidden'],
    ['reader', 'instance', null, null, 'Forbidden'],
    ['caller without a role', 'instance', null, null, 'Forbidden'],
  ])('of a %s, scope %s for %s, where it was %s: %s', (who, scope, project, was, expected) => {
    const present = was === null ? null : { project: was };
    const action = () => authorizeAttributes(POLICY, CALLERS[who], 'update', { scope, project, present });
    expect(outcome(action)).toBe(expected);
  });
});

describe('what is deleted', () => {
  it.each<[who: Who, list: string, change: string]>([
    ['administrator', 'allowed', 'allowed'],
    ['member', 'allowed', 'Forbidden'],
    ['reader', 'Forbidden', 'Forbidden'],
    ['caller without a role', 'Forbidden', 'Forbidden'],
    ['service', 'Forbidden', 'Forbidden'],
    // his own project's list, which does not have it
    ['member of the granted project', 'allowed', 'NotFound'],
    ['stranger', 'allowed', 'NotFound'],
  ])('a %s: to list it is %s, to restore or purge it %s, whatever its scope was', (who, list, change) => {
    const caller = CALLERS[who];
    expect(outcome(() => requireDeletedReader(POLICY, caller))).toBe(list);
    for (const scope of ['global', 'project', 'instance'] as const)
      for (const permission of ['deleted:restore', 'deleted:purge'] as const)
        expect(outcome(() => authorizeDeleted(caller, permission, aFilesystem(scope)))).toBe(change);
  });

  it('is told from nothing in no words', () => {
    const words = (filesystem: ReturnType<typeof aFilesystem> | null) => () =>
      authorizeDeleted(CALLERS.stranger, 'deleted:purge', filesystem);
    expect(words(null)).toThrow(new NotFound('Deleted filesystem could not be found.'));
    expect(words(aFilesystem('global'))).toThrow(new NotFound('Deleted filesystem could not be found.'));
  });
});

describe('seesCause', () => {
  const REQUEST = 'req-0c6bd1ac-6dd0-45a4-a0e8-2f9ab2b9a4f5';
  it.each<[cause: string, seen: boolean]>([
    [REQUEST, true],
    ['settings', true],
    ['instance.delete.start vm', true],
    ['instance.delete.start other', false],
    ['instance.delete.start another-vm', false],
    ['instance.delete.start vm other', false],
    [`${REQUEST} other`, false],
    ['instance.delete.start', false],
    ['', false],
  ])('of a row of vm that %j has caused: %s for a member, true for an administrator', (cause, seen) => {
    expect(seesCause(CALLERS.member, cause, 'vm')).toBe(seen);
    expect(seesCause(CALLERS.administrator, cause, 'vm')).toBe(true);
  });
});
