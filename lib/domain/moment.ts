const MOMENT =
  /^(\d{4}-\d{2}-\d{2})(T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(\d{1,9}))?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/**
 * Reads a moment in ISO 8601 with seconds, perhaps a fraction of them, and `Z` or an offset: `2026-11-23T12:00:00Z`.
 * @param rounding what is finer than a millisecond is rounded to one: `up` to the first that is not before it, `down` to the
 *   last that is not behind it
 * @returns null when it is none: another form, or a day that there is not
 */
export function parseMoment(text: string, rounding: 'up' | 'down'): Date | null {
  const [, day = '', time = '', fraction = '', zone = ''] = MOMENT.exec(text) ?? [];
  const midnight = new Date(`${day}T00:00:00Z`);
  // Date takes the 30th of February for the 2nd of March
  if (Number.isNaN(midnight.getTime()) || !midnight.toISOString().startsWith(day)) return null;
  const moment = Date.parse(`${day}${time}.${fraction.slice(0, 3).padEnd(3, '0')}${zone}`);
  const isFiner = Number(fraction.slice(3)) > 0;
  return new Date(isFiner && rounding === 'up' ? moment + 1 : moment);
}
