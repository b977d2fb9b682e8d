import { InvalidInput } from '../domain/errors';

/** One broker of the message bus. Of several, only host and port differ. */
export interface AmqpUrl {
  readonly protocol: 'amqp' | 'amqps';
  /** A name or an address, IPv6 without brackets. */
  readonly hostname: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly vhost: string;
}

/** `rabbit` is what oslo.messaging calls it in a `transport_url`. */
const PROTOCOLS = { amqp: 'amqp', amqps: 'amqps', rabbit: 'amqp' } as const;
const PORTS = { amqp: 5672, amqps: 5671 } as const;

/** What stands before the hosts, the hosts with the user, the vhost. A `@` or `,` in the vhost is a password cut in two. */
const URL_PARTS = /^(?<scheme>amqps?|rabbit):\/\/(?<authority>[^/?#]+)(?:\/(?<vhost>[^?#@,]*))?$/i;
const HOST_PARTS = /^(?:(?<credentials>.*)@)?(?:\[(?<ipv6>[0-9a-f:.]+)\]|(?<name>[\w.-]+))(?::(?<port>\d{1,5}))?$/is;

type Login = Pick<AmqpUrl, 'username' | 'password'>;

/** What a URL says of one host; null: it does not say it. */
interface Host extends Pick<AmqpUrl, 'hostname' | 'port'> {
  readonly login: Login | null;
}
interface SaidUrl extends Host, Pick<AmqpUrl, 'protocol'> {
  readonly vhost: string | null;
}

/**
 * Reads the setting `AMQP_URL`: `amqp(s)://user:password@host:port/vhost`, several of them with commas between, or several
 * hosts in one, as oslo.messaging writes it (`rabbit://u:p@one:5672,u:p@two:5672/vhost`). A login or vhost that is said once
 * holds for all.
 * @returns at least one
 * @throws InvalidInput in words that hold nothing of what was given: a password is in it
 */
export function parseAmqpUrls(text: string): readonly AmqpUrl[] {
  const urls = text
    .trim()
    .split(/\s*,\s*(?=\w+:\/\/)/)
    .flatMap(parseUrl);
  const [first] = urls;
  if (!first) throw invalid('it is empty');
  const vhost = urls.find((url) => url.vhost !== null)?.vhost ?? '/';
  if (urls.some((url) => url.protocol !== first.protocol || (url.vhost ?? vhost) !== vhost))
    throw invalid('its hosts differ in scheme or vhost; one cluster has one');
  const logins = urls.map(({ login }) => login).filter((login) => login !== null);
  const login = logins[0] ?? { username: 'guest', password: 'guest' }; // RabbitMQ's own, which it takes on loopback alone
  if (logins.some(({ username, password }) => username !== login.username || password !== login.password))
    throw invalid('its hosts have different users or passwords; one cluster has one login');
  return urls.map(({ hostname, port }) => ({ protocol: first.protocol, hostname, port, ...login, vhost }));
}

/** The brokers in one line, for logs and people: without the password. */
export function displayAmqpUrls(urls: readonly AmqpUrl[]): string {
  const hosts = urls.map(({ hostname, port }) => `${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`);
  const [first] = urls;
  if (!first) return '';
  const vhost = first.vhost === '/' ? '' : encodeURIComponent(first.vhost);
  return `${first.protocol}://${encodeURIComponent(first.username)}@${hosts.join(',')}/${vhost}`;
}

function parseUrl(url: string): SaidUrl[] {
  if (/^[^#]*\?/.test(url)) throw invalid('it has a query; use the scheme amqps for TLS, and encode a ? as %3F');
  const { scheme = '', authority = '', vhost } = URL_PARTS.exec(url)?.groups ?? {};
  const protocol = Object.entries(PROTOCOLS).find(([name]) => name === scheme.toLowerCase())?.[1];
  if (!protocol)
    throw invalid(
      'expected amqp://user:password@host:port/vhost, with / @ , and % in its parts encoded as %2F %40 %2C %25',
    );
  return authority
    .split(',')
    .map((host) => ({ ...parseHost(host.trim(), PORTS[protocol]), protocol, vhost: vhost ? decoded(vhost) : null }));
}

function parseHost(text: string, defaultPort: number): Host {
  const { credentials, ipv6, name, port: portText } = HOST_PARTS.exec(text)?.groups ?? {};
  const hostname = ipv6 ?? name;
  const port = portText === undefined ? defaultPort : Number(portText);
  if (hostname === undefined || port < 1 || port > 65_535)
    throw invalid('one of its hosts is none, such as host:5672 or [fd00::5]:5672');
  if (credentials === undefined) return { hostname, port, login: null };
  const colon = credentials.indexOf(':');
  if (colon < 0) throw invalid('one of its users has no password');
  const login = { username: decoded(credentials.slice(0, colon)), password: decoded(credentials.slice(colon + 1)) };
  return { hostname, port, login };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('a % in it is not the beginning of an encoded character');
  }
}

function invalid(why: string): InvalidInput {
  return new InvalidInput(`Invalid AMQP_URL: ${why}.`);
}
