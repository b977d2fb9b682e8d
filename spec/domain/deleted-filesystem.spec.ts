import { deletedStatus, requireRestorable } from '../../lib/domain/deleted-filesystem';
import { Conflict, TemporaryConflict } from '../../lib/domain/errors';
import type { Status } from '../../lib/domain/filesystem';

const deleted = ({
  status = 'deleting',
  isPurging = false,
  isLeased = false,
}: {
  status?: Status;
  isPurging?: boolean;
  isLeased?: boolean;
} = {}) => ({
  filesystem: { name: 'mydata', status },
  isPurging,
  isLeased,
});

describe('deletedStatus', () => {
  it.each([
    ['deleted', {}],
    ['deleted', { isLeased: true }],
    ['purging', { isPurging: true }],
    ['error', { isPurging: true, status: 'error' }],
  ] as const)('is %s for %p', (status, said) => {
    expect(deletedStatus(deleted(said))).toBe(status);
  });
});

describe('requireRestorable', () => {
  it('lets one be restored that nobody has begun to destroy', () => {
    expect(() => requireRestorable(deleted())).not.toThrow();
  });

  it('refuses for good what is being destroyed, also when that has failed', () => {
    const words = /mydata is being purged: its data is not whole any more/;
    for (const said of [{}, { status: 'error' }, { isLeased: true }] as const) {
      const refuse = () => requireRestorable(deleted({ isPurging: true, ...said }));
      expect(refuse).toThrow(words);
      expect(refuse).toThrow(Conflict);
      expect(refuse).not.toThrow(TemporaryConflict);
    }
  });

  it('refuses for now what a run has in this moment', () => {
    expect(() => requireRestorable(deleted({ isLeased: true }))).toThrow(TemporaryConflict);
  });
});
