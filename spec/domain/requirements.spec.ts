import { Conflict, Forbidden } from '../../lib/domain/errors';
import {
  type Caller,
  requireAdministrator,
  requireEventReporter,
  requireOwnersUrl,
  seesInstancesOf,
} from '../../lib/domain/permission';
import { aCaller, CALLERS, outcome, POLICY, type Who } from '../support/callers';

const inUrlOf = (tenantId: string) => () =>
  requireOwnersUrl({ ...CALLERS.administrator, tenantId }, { name: 'fs-1', owner: 'alpha' });

describe('requireOwnersUrl', () => {
  it('takes a change in the URL of the owner, and names him in another', () => {
    expect(inUrlOf('alpha')).not.toThrow();
    expect(inUrlOf('admin')).toThrow(Conflict);
    expect(inUrlOf('admin')).toThrow('/v1.1/alpha/');
  });
});

describe('requireEventReporter', () => {
  it.each<[what: string, caller: Caller, expected: string]>([
    ['an administrator', CALLERS.administrator, 'allowed'],
    ['a configured user', aCaller('alpha', [], { userId: 'reporting-user' }), 'allowed'],
    ['a configured project', aCaller('reporting-project', []), 'allowed'],
    ['a service user', aCaller('alpha', ['service']), 'Forbidden'],
    ['a caller without a user', aCaller('alpha', ['member'], { userId: null }), 'Forbidden'],
    ['a role that is named as a reporter', aCaller('alpha', ['reporting-user']), 'Forbidden'],
  ])('%s: %s', (_what, caller, expected) => {
    expect(outcome(() => requireEventReporter(POLICY, caller))).toBe(expected);
  });
});

describe('requireAdministrator', () => {
  it('takes an administrator alone', () => {
    expect(outcome(() => requireAdministrator(CALLERS.administrator, 'list:all_tenants'))).toBe('allowed');
    expect(() => requireAdministrator(CALLERS.member, 'list:all_tenants')).toThrow(Forbidden);
  });
});

describe('seesInstancesOf', () => {
  it.each<[who: Who, project: string | null, expected: boolean]>([
    ['administrator', 'alpha', true],
    ['administrator', null, true],
    ['member', 'alpha', true],
    ['member', 'beta', false],
    ['member', null, false],
  ])('of a %s and an instance of %s: %s', (who, project, expected) => {
    expect(seesInstancesOf(CALLERS[who], project)).toBe(expected);
  });
});
