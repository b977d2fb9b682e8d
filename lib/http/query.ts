import { InvalidInput } from '../domain/errors';
import { parseMoment } from '../domain/moment';

/**
 * Reads a query from the URL itself: `req.query` differs between hosts.
 * @returns each parameter once, in an object that inherits nothing
 * @throws InvalidInput when one is repeated
 */
export function readQuery(text: string): Readonly<Record<string, string>> {
  const query: Record<string, string> = Object.create(null);
  if (text === '') return query;
  for (const [name, value] of new URLSearchParams(text)) {
    if (name in query) throw new InvalidInput(`\`${name}\` stands in the query more than once.`);
    query[name] = value;
  }
  return query;
}

const TRUE = new Set(['1', 't', 'true', 'on', 'y', 'yes']);

/** One of Nova's booleans, already checked against the schema. */
export function isTrue(text: string | undefined): boolean {
  return text !== undefined && TRUE.has(text.toLowerCase());
}

/** A time, its form already checked against the schema. @throws InvalidInput when there is no such day or hour */
export function readMoment(name: string, text: string, rounding: 'up' | 'down'): Date {
  const time = parseMoment(text, rounding);
  if (!time) throw new InvalidInput(`\`${name}\` must be a time that there is: the day or the hour is none.`);
  return time;
}
