import { accountGrown } from '../../lib/volume-program/image-account';

describe('the account of an image that has grown', () => {
  const account = { emptyFreeBytes: 1000n };
  const before = { totalBytes: 1100n, freeBytes: 900n };
  const freeAfter = (freeBytes: bigint) =>
    accountGrown(account, before, { totalBytes: 4300n, freeBytes }).emptyFreeBytes;

  it('has what is free more, where nobody writes meanwhile', () => {
    expect(freeAfter(4050n)).toBe(1000n + 3150n);
  });
  it('believes in no more than the growth, when files are deleted meanwhile', () => {
    expect(freeAfter(6000n)).toBe(1000n + 3200n);
  });
  it('believes in nearly all of the growth, when files are written meanwhile: nobody has it grow again for that', () => {
    expect(freeAfter(100n)).toBe(1000n + 3100n);
  });
});
