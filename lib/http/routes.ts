import type { Identity } from '../domain/identity';
import { type Policy, requireEventReporter } from '../domain/permission';
import { type BodyParser, bodyParser } from './body';
import type { Handler } from './call';
import { connectInstance } from './connect-instance';
import { deleteFilesystem } from './delete-filesystem';
import { disconnectInstance } from './disconnect-instance';
import { listExtensions, showExtension } from './extensions';
import { HttpFault } from './faults';
import { listAccessLog } from './list-access-log';
import { listDeleted } from './list-deleted';
import { listFilesystems, listFilesystemsInDetail } from './list-filesystems';
import { purgeDeleted } from './purge-deleted';
import { putFilesystem } from './put-filesystem';
import { reportEvents } from './report-events';
import { restoreDeleted } from './restore-deleted';
import { showFilesystem } from './show-filesystem';
import { listInstances, showInstance } from './show-instances';

export type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';

/** A path of the API and what its methods do. */
export interface Route {
  /** As metrics and logs name it: never the path as sent. */
  readonly pattern: string;
  readonly methods: Readonly<Partial<Record<Method, Handler>>>;
  readonly parser: BodyParser;
  /** What is checked before the body is looked at. @throws Forbidden */
  readonly admit?: (policy: Policy, caller: Identity) => void;
}

/** A route and what the path names. */
export interface Target {
  readonly route: Route;
  /** `os-filesystem`, or the spelling of the original client. */
  readonly root: string;
  readonly name: string;
  readonly id: string;
}

const BODY_LIMIT = 64 * 1024;
const EVENTS_LIMIT = 8 * 1024 * 1024;

const route = (pattern: string, methods: Route['methods'], bodyLimit = BODY_LIMIT): Route => ({
  pattern,
  methods,
  parser: bodyParser(bodyLimit),
});

const FILESYSTEMS = route('/os-filesystem', { GET: listFilesystems });
const DETAIL = route('/os-filesystem/detail', { GET: listFilesystemsInDetail });
const EVENTS: Route = {
  ...route('/os-filesystem/_events', { POST: reportEvents }, EVENTS_LIMIT),
  admit: requireEventReporter,
};
const DELETED = route('/os-filesystem/_deleted', { GET: listDeleted });
const DELETED_FILESYSTEM = route('/os-filesystem/_deleted/{id}', { DELETE: purgeDeleted });
const RESTORE = route('/os-filesystem/_deleted/{id}/restore', { POST: restoreDeleted });
const FILESYSTEM = route('/os-filesystem/{name}', {
  GET: showFilesystem,
  PUT: putFilesystem,
  DELETE: deleteFilesystem,
});
const INSTANCES = route('/os-filesystem/{name}/instances', { GET: listInstances });
const INSTANCE = route('/os-filesystem/{name}/instances/{id}', {
  GET: showInstance,
  PUT: connectInstance,
  DELETE: disconnectInstance,
});
const ACCESS_LOG = route('/os-filesystem/{name}/access-log', { GET: listAccessLog });
const EXTENSIONS = route('/extensions', { GET: listExtensions });
const EXTENSION = route('/extensions/{alias}', { GET: showExtension });

/** What the original client calls instances. */
const INSTANCES_WORD: Readonly<Record<string, string>> = {
  'os-filesystem': 'instances',
  'os-shared-filesystem': 'attachments',
};

/**
 * Finds the route of a path. Not by Express, which takes `/DETAIL` for `/detail` and answers by itself what it cannot decode.
 * @param path as sent, without the query and the mount point
 * @param hasExtensions whether `/extensions` is ours to answer
 * @returns null when the path is not ours
 * @throws HttpFault 400 when it cannot be decoded
 */
export function targetOf(path: string, hasExtensions: boolean): Target | null {
  const [, root = '', ...rest] = path.split('/');
  if (rest.at(-1) === '') rest.pop();
  if (rest.includes('')) return null;
  if (root === 'extensions' || root === 'extension') return hasExtensions ? extensionTarget(root, rest) : null;
  return Object.hasOwn(INSTANCES_WORD, root) ? filesystemTarget(root, rest) : null;
}

function extensionTarget(root: string, rest: readonly string[]): Target | null {
  if (rest.length > 1) return null;
  const [alias] = rest.map(decode);
  return { route: alias === undefined ? EXTENSIONS : EXTENSION, root, name: alias ?? '', id: '' };
}

function filesystemTarget(root: string, rest: readonly string[]): Target | null {
  if (rest.length > 3) return null;
  const [name = '', word, id = ''] = rest.map(decode);
  if (root === 'os-filesystem' && name === '_deleted') return deletedTarget(root, name, word, id);
  if (word === 'access-log' && rest.length === 2) return { route: ACCESS_LOG, root, name, id };
  if (word !== undefined && word !== INSTANCES_WORD[root]) return null;
  return { route: routeOf(root, rest.length, name), root, name, id };
}

function deletedTarget(root: string, name: string, id = '', verb = ''): Target | null {
  if (verb !== '') return verb === 'restore' ? { route: RESTORE, root, name, id } : null;
  return { route: id === '' ? DELETED : DELETED_FILESYSTEM, root, name, id };
}

function routeOf(root: string, length: number, name: string): Route {
  if (length === 0) return FILESYSTEMS;
  if (length === 2) return INSTANCES;
  if (length === 3) return INSTANCE;
  if (root === 'os-filesystem' && name === 'detail') return DETAIL;
  if (root === 'os-filesystem' && name === '_events') return EVENTS;
  return FILESYSTEM;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new HttpFault(400, 'The path cannot be decoded: what follows a % must be two hexadecimal digits of UTF-8.');
  }
}
