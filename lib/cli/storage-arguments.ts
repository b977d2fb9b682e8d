import { parseArgs } from 'node:util';
import type { AdoptionWish } from '../sync/adopt';

/** What is asked about volumes and rows that have lost each other; `backend` undefined: all that are configured. */
export type StorageAsked = { readonly backend: string | undefined; readonly json: boolean } & (
  | { readonly kind: 'orphans' }
  | { readonly kind: 'adopt'; readonly id: string; readonly wish: AdoptionWish }
  | { readonly kind: 'recreate'; readonly id: string }
);

type Wrong = { readonly kind: 'wrong'; readonly message: string };

const COMMON = {
  backend: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;
const WISH = {
  name: { type: 'string' },
  owner: { type: 'string' },
  scope: { type: 'string' },
  project: { type: 'string' },
  size: { type: 'string' },
} as const;
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** @returns null when the command line is none of these commands */
export function readStorageArguments(
  words: readonly string[],
): StorageAsked | Wrong | { readonly kind: 'help' } | null {
  const [command, ...rest] = words;
  if (command !== 'orphans' && command !== 'adopt' && command !== 'recreate') return null;
  try {
    const options = command === 'adopt' ? { ...COMMON, ...WISH } : COMMON;
    const { values, positionals } = parseArgs({ args: rest, options, allowPositionals: command !== 'orphans' });
    const {
      help,
      backend,
      json = false,
      ...wish
    } = values as Partial<Record<keyof typeof WISH | 'backend', string>> & Partial<Record<'json' | 'help', boolean>>;
    if (help) return { kind: 'help' };
    if (command === 'orphans') return { kind: command, backend, json };
    const [id = '', ...more] = positionals;
    if (!ID.test(id) || more.length > 0)
      return { kind: 'wrong', message: `${command} needs the id of one volume, as "orphans" lists it.` };
    return command === 'adopt' ? { kind: command, id, wish, backend, json } : { kind: command, id, backend, json };
  } catch {
    return { kind: 'wrong', message: `Unknown argument in "${words.join(' ')}": see --help.` };
  }
}
