import { resyncVerdict } from '../../lib/domain/resync-verdict';

const found = (said: Partial<Parameters<typeof resyncVerdict>[0]>) =>
  resyncVerdict({ instances: 1_000, complete: true, missing: 0, live: 1_000, ...said }, 0.2).kind;

describe('resyncVerdict', () => {
  it.each<[what: string, said: Parameters<typeof found>[0], verdict: string]>([
    ['nothing is missing', {}, 'complete'],
    ['nothing is missing of a list that is not whole', { complete: false }, 'incomplete'],
    ['much is missing of a list that is not whole', { complete: false, missing: 500 }, 'braked'],
    ['a fifth is missing', { missing: 200 }, 'complete'],
    ['more than a fifth is missing', { missing: 201 }, 'braked'],
    ['ten of a small cloud are missing', { instances: 2, missing: 10, live: 12 }, 'complete'],
    ['eleven of a small cloud are missing', { instances: 2, missing: 11, live: 13 }, 'braked'],
    ['one is missing of a list that is not whole', { complete: false, missing: 1 }, 'incomplete'],
    ['the list is empty', { instances: 0, missing: 1, live: 1 }, 'incomplete'],
    ['the list is empty, as the directory is', { instances: 0, live: 0 }, 'complete'],
  ])('when %s', (_what, said, verdict) => {
    expect(found(said)).toBe(verdict);
  });

  it('tells how much is missing of how many', () => {
    expect(resyncVerdict({ instances: 5, complete: true, missing: 50, live: 60 }, 0.2)).toMatchObject({
      message: expect.stringContaining('50 of 60'),
    });
  });
});
