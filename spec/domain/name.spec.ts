import { isFilesystemName, isInstanceId, isProjectId } from '../../lib/domain/name';

const OTHERS = ['', '/', 'a/b', 'a b', 'a\n', '\u0000', 'é', 'ａ', '%2e', 'a'.repeat(1_000_000)];

describe('isFilesystemName', () => {
  it.each(['a', 'A', '0', 'fs-1', 'a._-', 'Detail', 'details', 'constructor', 'a'.repeat(63)])(
    'is so of %j',
    (name) => {
      expect(isFilesystemName(name)).toBe(true);
    },
  );

  it.each([...OTHERS, 'detail', '_limits', '_events', '__proto__', '.', '..', '-a', '.a', 'a'.repeat(64)])(
    'is not so of %.40j',
    (name) => {
      expect(isFilesystemName(name)).toBe(false);
    },
  );
});

describe('isInstanceId', () => {
  it.each(['2c62ffa2-dbc4-4299-92c6-5169173eda21', 'i-1', '_', '0', 'a'.repeat(64)])('is so of %j', (id) => {
    expect(isInstanceId(id)).toBe(true);
  });

  it.each([...OTHERS, 'a:b', 'a'.repeat(65), '.', '..', 'detail'])('is not so of %.40j', (id) => {
    expect(isInstanceId(id)).toBe(false);
  });
});

describe('isProjectId', () => {
  it.each(['c735cd3225ff4a8d8610dbac82687363', 'demo', 'a:b', '%2e', '~', '!', 'a'.repeat(255)])(
    'is so of %j',
    (id) => {
      expect(isProjectId(id)).toBe(true);
    },
  );

  it.each([...OTHERS.filter((each) => each !== '%2e'), '\u007f', 'a'.repeat(256)])('is not so of %.40j', (id) => {
    expect(isProjectId(id)).toBe(false);
  });
});
