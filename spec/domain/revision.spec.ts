import { isCredibleRevision, LARGEST_FOUND_REVISION, LARGEST_REVISION, parseRevision } from '../../lib/domain/revision';

describe('a revision that stands in a storage', () => {
  it.each([
    ['0', 0n],
    ['41', 41n],
    [String(LARGEST_REVISION), LARGEST_REVISION],
    [String(LARGEST_REVISION + 1n), null],
    ['9999999999999999999', null],
    ['', null],
    ['-1', null],
    ['1x', null],
  ])('%s is read as %s', (text, revision) => {
    expect(parseRevision(text)).toBe(revision);
  });

  it('is gone above where so many changes can have been', () => {
    expect(isCredibleRevision(LARGEST_FOUND_REVISION)).toBe(true);
    for (const absurd of [LARGEST_FOUND_REVISION + 1n, LARGEST_REVISION, 2n ** 63n, -1n])
      expect(isCredibleRevision(absurd)).toBe(false);
  });
});
