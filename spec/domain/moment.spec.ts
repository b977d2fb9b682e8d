import { parseMoment } from '../../lib/domain/moment';

describe('parseMoment', () => {
  it.each([
    ['2026-11-23T12:00:00Z', '2026-11-23T12:00:00.000Z'],
    ['2026-11-23T12:00:00.5Z', '2026-11-23T12:00:00.500Z'],
    ['2026-11-23T12:00:00.123000000Z', '2026-11-23T12:00:00.123Z'],
    ['2026-11-23T12:00:00+01:00', '2026-11-23T11:00:00.000Z'],
    ['2026-11-23T12:00:00.25-03:30', '2026-11-23T15:30:00.250Z'],
    ['2024-02-29T23:59:59Z', '2024-02-29T23:59:59.000Z'],
    ['0000-01-01T00:00:00Z', '0000-01-01T00:00:00.000Z'],
  ])('reads %s as %s', (text, expected) => {
    expect(parseMoment(text, 'down')?.toISOString()).toBe(expected);
    expect(parseMoment(text, 'up')?.toISOString()).toBe(expected);
  });

  it('rounds what is finer than a millisecond as asked', () => {
    expect(parseMoment('2026-11-23T12:00:00.1234567Z', 'down')?.getMilliseconds()).toBe(123);
    expect(parseMoment('2026-11-23T12:00:00.1234567Z', 'up')?.getMilliseconds()).toBe(124);
    expect(parseMoment('2026-12-31T23:59:59.999001Z', 'up')?.toISOString()).toBe('2027-01-01T00:00:00.000Z');
  });

  it.each([
    '',
    'now',
    '2026-11-23',
    '2026-11-23T12:00Z',
    '2026-11-23T12:00:00',
    '2026-11-23 12:00:00Z',
    '2026-11-23T12:00:00 01:00',
    '2026-11-23T12:00:00+0100',
    '2026-11-23T12:00:00.Z',
    '2026-02-30T12:00:00Z',
    '2025-02-29T12:00:00Z',
    '2026-13-01T12:00:00Z',
    '2026-00-10T12:00:00Z',
    '2026-11-23T24:00:00Z',
    '2026-11-23T12:60:00Z',
    '2026-11-23T12:00:60Z',
    '2026-11-23T12:00:00+24:00',
    '12026-11-23T12:00:00Z',
    ' 2026-11-23T12:00:00Z',
    '1764000000',
  ])('finds no moment in %j', (text) => {
    expect(parseMoment(text, 'down')).toBeNull();
  });
});
