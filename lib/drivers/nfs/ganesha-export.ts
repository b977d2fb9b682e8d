import { isIP } from 'node:net';
import { parseAddress } from '../../domain/address';
import type { AddressBlock } from '../../domain/address-cover';
import { isVolumeId } from '../volume-id';
import { exportComment, revisionIn } from './exports-file';
import { type GaneshaOption, isKnownOption } from './ganesha-options';

/** `Export_Id` is a number of 16 bits, and 0 is the server's own. */
export const LARGEST_EXPORT_ID = 65_535;

/** A path that has one meaning in the server's configuration, whatever quotes it. */
export const PLAIN_PATH = /^(\/[A-Za-z0-9][A-Za-z0-9._-]*)+$/;

/** One volume's export, as its file has it. */
export interface GaneshaExport {
  readonly id: string;
  /** The filesystem's name: an operator looks for it. */
  readonly name: string;
  readonly revision: bigint;
  /** Its `Export_Id`. */
  readonly number: number;
  /** On the filer. */
  readonly path: string;
  /** Where clients find it. */
  readonly pseudo: string;
  readonly options: readonly GaneshaOption[];
  /** Who is let in; nobody: no block for clients, since one with an empty list is an error of the server's. */
  readonly clients: readonly AddressBlock[];
}

/**
 * The text of an export file (ganesha-export-config(8)).
 * @throws Error when anything of it could mean something else to the server: nothing is quoted or escaped
 */
export function renderGaneshaExport(wanted: GaneshaExport): string {
  const wrong = whatIsWrong(wanted);
  if (wrong !== null) throw new Error(`an export file cannot be written: ${wrong}`);
  return textOf(wanted);
}

function textOf(wanted: GaneshaExport): string {
  const { number, path, pseudo, options, clients } = wanted;
  const lines = [
    'EXPORT {',
    `  Export_Id = ${number};`,
    `  Path = "${path}";`,
    `  Pseudo = "${pseudo}";`,
    // one a volume, so that clients do not take two volumes of one file system for the same
    `  Filesystem_Id = ${number}.${number};`,
    ...options.map(([name, value]) => `  ${name} = ${value};`),
    '  Access_Type = NONE;',
    '  FSAL {',
    '    Name = VFS;',
    '  }',
    ...(clients.length > 0
      ? ['  CLIENT {', '    Access_Type = RW;', '    Clients =', `      ${clients.join(',\n      ')};`, '  }']
      : []),
    '}',
  ];
  return `${exportComment(wanted)}${lines.join('\n')}\n`;
}

/**
 * Reads an export file of ours, strictly: what it does not read is not, to the byte, what this program writes.
 * @returns null when it is anything else
 */
export function parseGaneshaExport(text: string): GaneshaExport | null {
  const field = (pattern: RegExp) => pattern.exec(text)?.[1] ?? '';
  const found: GaneshaExport = {
    name: field(/^# filesystem (.*)$/m),
    id: field(/^# id (.*)$/m),
    revision: revisionIn(text),
    number: Number(field(/^ {2}Export_Id = (\d{1,5});$/m)),
    path: field(/^ {2}Path = "(.*)";$/m),
    pseudo: field(/^ {2}Pseudo = "(.*)";$/m),
    options: optionsIn(field(/^ {2}Filesystem_Id = .*;\n([^{}]*) {2}Access_Type = NONE;$/m)),
    clients: field(/^ {4}Clients =\n([^;]*);$/m)
      .split(',')
      .map((each) => each.trim())
      .filter((each) => each !== ''),
  };
  return textOf(found) === text && whatIsWrong(found) === null ? found : null;
}

/** The number in an export file, whoever has written it: nothing is done by it alone. */
export function numberIn(text: string): number | null {
  const number = Number(/^ {2}Export_Id = (\d{1,5});$/m.exec(text)?.[1] ?? '0');
  return number > 0 && number <= LARGEST_EXPORT_ID ? number : null;
}

function optionsIn(lines: string): readonly GaneshaOption[] {
  return [...lines.matchAll(/^ {2}(\w+) = (.*);$/gm)].map(([, name = '', value = '']) => [name, value]);
}

function whatIsWrong({ id, number, path, pseudo, options, clients }: GaneshaExport): string | null {
  if (!isVolumeId(id)) return 'its id is no UUID';
  if (!Number.isInteger(number) || number < 1 || number > LARGEST_EXPORT_ID) return `${number} is no Export_Id`;
  for (const each of [path, pseudo]) if (!PLAIN_PATH.test(each)) return `${each} is no plain path`;
  const option = options.find((each) => !isKnownOption(each));
  if (option) return `there is no option ${option.join(' = ')}`;
  const client = clients.find((each) => !isBlock(each));
  return client === undefined ? null : `${client} is neither an address nor a block of addresses`;
}

/** An address, or a CIDR: never a name, a pattern or a netgroup, which the server takes too. */
function isBlock(client: AddressBlock): boolean {
  const [address = '', prefix, ...more] = client.split('/');
  const family = isIP(address);
  if (more.length > 0 || family === 0 || (family === 6 && parseAddress(address) !== address)) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128));
}
