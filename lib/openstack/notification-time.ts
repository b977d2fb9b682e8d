/** `2026-11-23 14:23:08.132585`, in UTC without a word of it; other services of OpenStack write a `T` and a zone. */
const TIMESTAMP =
  /^(?<date>(?:19[7-9]|2\d\d)\d-\d\d-\d\d)[ T](?<time>\d\d:\d\d:\d\d)(?:\.(?<fraction>\d{1,9}))?(?<zone>Z|[+-]\d\d:\d\d)?$/;

/**
 * Reads the `timestamp` of a notification, to the millisecond.
 * @returns null when it is absent or none that can be read: what it is then counted as, the domain decides
 */
export function readTimestamp(timestamp: unknown): Date | null {
  if (typeof timestamp !== 'string') return null;
  const { date, time, fraction = '', zone = 'Z' } = TIMESTAMP.exec(timestamp)?.groups ?? {};
  if (!date || !time) return null;
  const utc = new Date(`${date}T${time}.${fraction.slice(0, 3).padEnd(3, '0')}Z`);
  // A day that there is not, such as the 30th of February, becomes another: then it is no time.
  if (Number.isNaN(utc.getTime()) || !utc.toISOString().startsWith(`${date}T${time}`)) return null;
  const said = zone === 'Z' ? utc : new Date(utc.toISOString().replace('Z', zone));
  return Number.isNaN(said.getTime()) ? null : said;
}
