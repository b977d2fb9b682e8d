import type { Settings } from '../gateway/settings';
import { displayAmqpUrls, parseAmqpUrls } from '../openstack/amqp-url';
import type { BackendStatus } from '../ports/extension';

/** What is told of a gateway that has started. */
export interface Started {
  readonly version: string;
  readonly url: string;
  /** In words, without a password. */
  readonly database: string;
  readonly backends: readonly BackendStatus[];
  readonly settings: Settings;
}

/** What a person at the terminal wants to know first, and one command that works when it is pasted. */
export function announcement({ version, url, database, backends, settings }: Started): string {
  const lines = [
    ['listens on', url],
    ['database', database],
    ...backends.flatMap(({ name, driver, lacks, served }) => [
      ['backend', served === 'here' ? `${name}, driver ${driver}` : `${name}, worked on by another process`],
      ...lacks.map((lack) => ['', `lacks ${lack}`]),
    ]),
    ['addresses', addressesLine(settings)],
    ['instances', instancesLine(settings)],
    ['identity', identityLine(settings)],
  ];
  const facts = lines.map(([what = '', told]) => `  ${what.padEnd(11)} ${told}`).join('\n');
  return `\nnova-shared-filesystem ${version}\n${facts}\n${settings.development ? tryIt(url) : ''}\n`;
}

/** Of a Postgres URL: everything but the password. */
export function withoutPassword(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  if (url.password) url.password = '***';
  if (url.searchParams.has('password')) url.searchParams.set('password', '***');
  return url.toString();
}

function addressesLine({ networks, addresses }: Settings): string {
  if (networks === null) return `all ${addresses.join(' and ')} ones count`;
  return networks
    ? `${addresses.join(' and ')} ones of ${networks.join(', ')} count`
    : 'none counts: NETWORKS is not set';
}

/** How it is heard of them. */
function instancesLine({ messageBus, compute, resyncIntervalSeconds }: Settings): string {
  const sources = [
    ...(messageBus ? [`notifications from ${displayAmqpUrls(parseAmqpUrls(messageBus.url))}`] : []),
    ...(compute ? [`compared with ${compute.url} every ${resyncIntervalSeconds} s`] : []),
  ];
  return sources.length > 0 ? sources.join(', ') : 'as _events tells: AMQP_URL and COMPUTE_URL are not set';
}

function identityLine({ development }: Settings): string {
  return development
    ? 'IDENTITY=development takes everybody for an administrator: for development alone'
    : 'IDENTITY=headers, as trusted proxies say';
}

const tryIt = (url: string) => `
  Try it in another terminal:
  curl -X PUT ${url}/v1.1/demo/os-filesystem/mydata -H 'Content-Type: application/json' -d '{"fs_entry": {"size": "4Gb", "scope": "project"}}'
`;
