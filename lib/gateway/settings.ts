import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import backendsSchema from '../../schemas/backends.json';
import { type AddressKind, parseCountingNetwork } from '../domain/address';
import type { Backends } from '../generated/backends';
import type { Configuration } from '../generated/config';
import { parseAmqpUrls } from '../openstack/amqp-url';
import { packageRoot } from '../package-root';
import type {
  BackendOptions,
  ComputeOptions,
  MessageBusOptions,
  NamedBackend,
  PlacementOptions,
} from '../ports/extension';
import type { IdentityOf } from '../ports/host';
import { faultsOf } from './checked';
import { complaint, readEnvironment, WrongSettings } from './environment';
import { developmentIdentity } from './identity-development';
import { headerIdentity } from './identity-headers';

/** What a gateway needs to know before it starts; docs/configuration.md has each. Paths are absolute. */
export interface Settings {
  readonly host: string;
  readonly port: number;
  /** Without a slash at its end; null: not said. */
  readonly publicUrl: string | null;
  readonly dataDirectory: string;
  /** Null: an embedded Postgres in the data directory. */
  readonly databaseUrl: string | null;
  readonly development: boolean;
  readonly identity: IdentityOf;
  readonly backends: readonly (BackendOptions | NamedBackend)[];
  /** Where new filesystems go; empty: to the first backend. */
  readonly placement: readonly PlacementOptions[];
  /** Null: every address counts. Undefined: none. */
  readonly networks: readonly string[] | null | undefined;
  readonly addresses: readonly AddressKind[];
  readonly maxAddressesPerInstance: number;
  /** Undefined: no Compute API is asked. */
  readonly compute: ComputeOptions | undefined;
  readonly resyncIntervalSeconds: number;
  /** Of the live instances, 0 to 1. */
  readonly largestWithdrawal: number;
  /** Undefined: no message bus is listened to. */
  readonly messageBus: MessageBusOptions | undefined;
  readonly accessLogRetentionDays: number;
  readonly deletionGraceSeconds: number;
  readonly drift: 'repair' | 'report' | 'off';
  readonly driftIntervalSeconds: number;
  readonly eventReporters: readonly string[];
  readonly maxLimit: number;
  /** Paths of manifests. */
  readonly extensions: readonly string[];
  /** Of `reconcile`; null: it listens on none. */
  readonly healthPort: number | null;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
}

/**
 * Reads and checks everything that can be wrong with the settings before anything starts.
 * @param directory what relative paths are relative to
 * @throws WrongSettings naming the variable
 */
export function readSettings(environment: Readonly<Record<string, string | undefined>>, directory: string): Settings {
  const said = readEnvironment(environment);
  const within = (file: string) => path.resolve(directory, file);
  const development = said.IDENTITY === 'development';
  return {
    host: said.HOST,
    port: said.PORT,
    publicUrl: said.PUBLIC_URL?.replace(/\/+$/, '') ?? null,
    dataDirectory: within(said.DATA_DIR),
    databaseUrl: said.DATABASE_URL ?? null,
    development,
    identity: development ? developmentIdentity : naming(said, 'TRUSTED_PROXIES', headerIdentity),
    ...(said.BACKENDS === undefined
      ? { backends: [defaultBackend(within(said.DATA_DIR), said.EXPORT_ADDRESS)], placement: [] }
      : listed(said, within)),
    networks: networksOf(said),
    addresses: kindsOf(said),
    maxAddressesPerInstance: said.MAX_ADDRESSES_PER_INSTANCE,
    compute: computeOf(said),
    resyncIntervalSeconds: said.RESYNC_INTERVAL,
    largestWithdrawal: said.RESYNC_LARGEST_WITHDRAWAL / 100,
    messageBus: messageBusOf(said),
    accessLogRetentionDays: said.ACCESS_LOG_RETENTION,
    deletionGraceSeconds: said.DELETION_GRACE,
    drift: said.DRIFT,
    driftIntervalSeconds: said.DRIFT_INTERVAL,
    eventReporters: said.EVENT_REPORTERS,
    maxLimit: said.MAX_LIMIT,
    extensions: said.EXTENSIONS?.map(within) ?? [path.join(packageRoot(), 'extension.json')],
    healthPort: said.HEALTH_PORT ?? null,
    logLevel: said.LOG_LEVEL,
  };
}

function networksOf(said: Configuration): readonly string[] | null | undefined {
  const { NETWORKS: networks, IDENTITY: identity } = said;
  if (networks === undefined) return identity === 'development' ? null : undefined;
  return naming(said, 'NETWORKS', () => {
    for (const network of networks) parseCountingNetwork(network);
    return networks;
  });
}

function kindsOf({ ADDRESSES: said }: Configuration): readonly AddressKind[] {
  const kinds = said.flatMap((kind): readonly AddressKind[] => (kind === 'both' ? ['fixed', 'floating'] : [kind]));
  return [...new Set(kinds)];
}

function computeOf({ COMPUTE_URL: url, COMPUTE_TOKEN: token }: Configuration): ComputeOptions | undefined {
  if (url !== undefined && token === undefined)
    throw new WrongSettings('COMPUTE_TOKEN is missing: COMPUTE_URL is asked with it.');
  if (url === undefined && token !== undefined)
    throw new WrongSettings('COMPUTE_URL is missing: COMPUTE_TOKEN is for it alone.');
  return url === undefined || token === undefined ? undefined : { url, token };
}

function messageBusOf(said: Configuration): MessageBusOptions | undefined {
  if (said.AMQP_URL === undefined) return undefined;
  const bus = {
    url: said.AMQP_URL,
    exchanges: said.AMQP_EXCHANGES,
    notifications: said.NOTIFICATIONS,
    versionedTopic: said.VERSIONED_TOPIC,
    legacyTopic: said.LEGACY_TOPIC,
    queue: said.AMQP_QUEUE,
  };
  return naming(said, 'AMQP_URL', (url) => {
    parseAmqpUrls(url ?? '');
    return bus;
  });
}

/** Directories and exports files in the data directory: what `npm start` has. */
function defaultBackend(directory: string, exportAddress = '127.0.0.1'): BackendOptions {
  return {
    name: 'default',
    driver: 'nfs',
    server: 'exports-file',
    volumes: { kind: 'directory', root: path.join(directory, 'volumes') },
    exports: { directory: path.join(directory, 'exports'), exportAddress },
  };
}

function listed(
  { BACKENDS: name = '', EXPORT_ADDRESS: address }: Configuration,
  within: (file: string) => string,
): Pick<Settings, 'backends' | 'placement'> {
  const wrong = (message: string) => new WrongSettings(complaint('BACKENDS', name, message));
  if (address !== undefined)
    throw new WrongSettings('EXPORT_ADDRESS is for the default backend alone: say it in the BACKENDS file.');
  const backends = readJson(within(name), wrong);
  // by the form that it has: what is wrong with the other one is of no interest
  const form = { $defs: backendsSchema.$defs, $ref: Array.isArray(backends) ? '#/$defs/list' : '#/$defs/file' };
  const faults = faultsOf(form, backends).map(({ path: where, message }) => `${where || 'it'} ${message}`);
  if (faults.length > 0) throw wrong([...new Set(faults)].join(', '));
  const file = backends as Backends; // as the schema has it: just checked
  return 'backends' in file
    ? { backends: file.backends, placement: file.rules ?? [] }
    : { backends: file, placement: [] };
}

function readJson(file: string, wrong: (message: string) => Error): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw wrong(error instanceof SyntaxError ? `${file} is not JSON, ${error.message}` : `${file} cannot be read`);
  }
}

/** What a setting means to whoever uses it, its complaint under the setting's name. */
function naming<Name extends keyof Configuration, Made>(
  said: Configuration,
  name: Name,
  make: (value: Configuration[Name]) => Made,
): Made {
  try {
    return make(said[name]);
  } catch (error) {
    throw new WrongSettings(
      complaint(name, String(said[name]), error instanceof Error ? error.message.replace(/\.$/, '') : ''),
    );
  }
}
