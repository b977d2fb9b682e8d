import { tmpdir, userInfo } from 'node:os';
import * as path from 'node:path';
import { performance } from 'node:perf_hooks';
import { type KeystoneLogin, KeystoneSession } from '../../keystone-session';
import type { Driver } from '../../ports/driver';
import type { ProcessIdentity } from '../../ports/process';
import type { Settings } from '../settings';
import { ManilaDriver, type Patience } from './driver';
import { ManilaApi } from './manila-api';

/** The first microversion in which access rules are asked for by themselves. */
const FIRST_MINOR = 45;
const MICROVERSION = /^2\.(\d{1,3})$/;
/** Names and ids of Manila's. */
const NAME = /^[^\p{Cc}]{1,255}$/u;
const MOST_RULES = 10_000;
const PATIENCE: Patience = { bridge: 10_000, purge: 120_000 };

/**
 * Reads the settings of a backend with driver `manila` (docs/drivers.md).
 * @throws Error naming a setting that is wrong
 */
export function createManilaDriver(
  settings: Settings,
  _: string,
  self: ProcessIdentity,
  patience: Patience = PATIENCE,
): Driver {
  const url = endpoint(settings, 'url');
  const microversion = settings.text('microversion', '2.60');
  if (!(Number(MICROVERSION.exec(microversion)?.[1]) >= FIRST_MINOR))
    throw settings.wrong('microversion', `expected one such as "2.60", of 2.${FIRST_MINOR} or later`);
  const kind = {
    backend: settings.text('name'),
    shareType: named(settings, 'shareType'),
    protocol: settings.word('protocol', ['NFS', 'CIFS', 'GLUSTERFS'], 'NFS'),
    shareNetwork: settings.has('shareNetwork') ? named(settings, 'shareNetwork') : null,
    availabilityZone: settings.has('availabilityZone') ? named(settings, 'availabilityZone') : null,
  };
  const maxRules = settings.number('maxRules', 100, 1, MOST_RULES);
  const locks = path.resolve(
    settings.text('locks', path.join(tmpdir(), `nova-shared-filesystem-locks-${userInfo().uid}`)),
  );
  const auth = settings.inner('auth');
  const identityUrl = endpoint(auth, 'url');
  const login = readLogin(auth);
  auth.end();
  settings.end();

  // no secret, and nothing that comes of changing one
  const project = login.kind === 'password' ? [login.projectName, login.projectDomainName] : [];
  const text = JSON.stringify([url, microversion, kind, maxRules, identityUrl, project]);
  const session = new KeystoneSession(identityUrl, login, { monotonic: () => performance.now() });
  return new ManilaDriver(new ManilaApi(url, microversion, session), kind, maxRules, locks, self, text, patience);
}

function readLogin(auth: Settings): KeystoneLogin {
  if (auth.has('applicationCredentialId'))
    return {
      kind: 'application-credential',
      id: auth.text('applicationCredentialId'),
      secret: auth.text('applicationCredentialSecret'),
    };
  return {
    kind: 'password',
    username: auth.text('username'),
    password: auth.text('password'),
    userDomainName: auth.text('userDomainName', 'Default'),
    projectName: auth.text('projectName'),
    projectDomainName: auth.text('projectDomainName', 'Default'),
  };
}

function named(settings: Settings, name: string): string {
  const text = settings.text(name);
  if (!NAME.test(text)) throw settings.wrong(name, 'expected a name or an id');
  return text;
}

/** @returns without slashes at its end: words are put behind it */
function endpoint(settings: Settings, name: string): string {
  const text = settings.text(name);
  const url = URL.canParse(text) ? new URL(text) : null;
  const isPlain = url !== null && !url.username && !url.password && !url.search && !url.hash;
  if (!isPlain || !/^https?:$/.test(url.protocol))
    throw settings.wrong(name, 'expected a URL such as "http://host:8786/v2", without user and query');
  return url.href.replace(/\/+$/, '');
}
