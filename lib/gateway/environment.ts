import schema from '../../schemas/config.json';
import type { Configuration } from '../generated/config';
import { faultsOf } from './checked';

/** What is wrong with the settings, in words for the operator: one line a setting. */
export class WrongSettings extends Error {}

/** Of later versions: to pass them over would let an operator believe that they hold. */
const UNSUPPORTED = /^(KEYSTONE_[A-Z_]+|QUOTA_[A-Z_]+|RESERVED_NAMES)$/;

interface Setting {
  readonly description: string;
  readonly type?: string;
  readonly writeOnly?: boolean;
}

const SETTINGS: Readonly<Record<string, Setting>> = schema.properties;

/**
 * Reads the gateway's settings from environment variables, checked against `schemas/config.json`.
 * @throws WrongSettings naming every variable that cannot be used, and what is expected of it
 */
export function readEnvironment(environment: Readonly<Record<string, string | undefined>>): Configuration {
  const said = Object.entries(environment).filter(([, text]) => text !== undefined && text.trim() !== '');
  const unsupported = said.map(([name]) => name).filter((name) => UNSUPPORTED.test(name));
  if (unsupported.length > 0)
    throw new WrongSettings(unsupported.map((name) => `${name}: this version does not know this setting.`).join('\n'));
  const configuration = Object.fromEntries(
    said.flatMap(([name, text = '']) => {
      const setting = Object.hasOwn(SETTINGS, name) ? SETTINGS[name] : undefined;
      return setting ? [[name, settingOf(setting, text.trim())]] : [];
    }),
  );
  const wrong = new Map(
    faultsOf(schema, configuration).map(({ path, message }) => [path.split('/')[0] ?? '', message]),
  );
  if (wrong.size > 0)
    throw new WrongSettings(
      [...wrong].map(([name, message]) => complaint(name, environment[name], message)).join('\n'),
    );
  return configuration as unknown as Configuration; // as the schema has it: just checked
}

/** One line on a setting. Secrets are not repeated. */
export function complaint(name: string, text: string | undefined, message: string): string {
  return SETTINGS[name]?.writeOnly
    ? `${name} cannot be used: ${message}.`
    : `${name}="${text}" cannot be used: ${message}.`;
}

/** What is no number stays text: the schema says then what is expected. */
function settingOf({ type }: Setting, text: string): unknown {
  if (type === 'integer') return /^\d{1,15}$/.test(text) ? Number(text) : text;
  if (type !== 'array') return text;
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
