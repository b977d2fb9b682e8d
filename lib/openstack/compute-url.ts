import { InvalidInput } from '../domain/errors';

/**
 * Reads where a Compute API is: with no user, query or fragment in it, since words are put behind it.
 * @returns without slashes at its end
 * @throws InvalidInput when it is none that requests can be sent to
 */
export function parseComputeUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isPlain = url !== null && !url.username && !url.password && !url.search && !url.hash;
  if (!isPlain || !/^https?:$/.test(url.protocol))
    throw new InvalidInput('COMPUTE_URL is none of an API: expected one such as "http://nova:8774/v2.1".');
  return url.href.replace(/\/+$/, '');
}
