import { Turnstile } from '../../lib/sync/turnstile';

describe('Turnstile', () => {
  it('lets so many through at once, in their order, and goes on when one fails', async () => {
    const turnstile = new Turnstile(2);
    const ends: (() => void)[] = [];
    const begun: number[] = [];
    const passes = [0, 1, 2, 3].map((number) =>
      turnstile.pass(async () => {
        begun.push(number);
        await new Promise<void>((resolve) => {
          ends[number] = resolve;
        });
        if (number === 0) throw new Error('failed');
        return number;
      }),
    );
    expect(begun).toEqual([0, 1]);
    ends[0]?.();
    await expect(passes[0]).rejects.toThrow('failed');
    expect(begun).toEqual([0, 1, 2]);
    ends[1]?.();
    await passes[1];
    expect(begun).toEqual([0, 1, 2, 3]);
    ends[2]?.();
    ends[3]?.();
    expect(await Promise.all(passes.slice(1))).toEqual([1, 2, 3]);
    expect(await turnstile.pass(async () => 'free')).toBe('free');
  });
});
