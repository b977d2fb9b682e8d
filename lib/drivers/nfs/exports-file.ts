import { isIP } from 'node:net';
import { compareAddresses } from '../../domain/address';
import { parseRevision } from '../../domain/revision';

/** Our comment is at the head, and shorter. */
const LONGEST_COMMENT = 1_000;

/** What an exports file of ours exports (exports(5)). */
export interface ExportsFile {
  /** The path of its first line; null when it exports nothing. */
  readonly path: string | null;
  /** Everybody whom it lets in, as written: whoever edited it by hand. */
  readonly clients: readonly string[];
}

/** One volume's export. */
export interface Export {
  readonly id: string;
  /** The filesystem's name: an operator looks for it. */
  readonly name: string;
  readonly revision: bigint;
  /** Absolute. */
  readonly path: string;
  readonly addresses: readonly string[];
  /** Checked words (`readOptions`), without `fsid`. */
  readonly options: readonly string[];
}

/**
 * The text of an exports file. Nobody to be let in: no line, since a path without a client, or a space before the
 * parenthesis, would let in the world.
 * @param addresses IPv4 and IPv6 addresses alone
 */
export function renderExports({ id, name, revision, path, addresses, options }: Export): string {
  const comment = exportComment({ id, name, revision });
  if (addresses.length === 0) return comment;
  for (const address of addresses) if (isIP(address) === 0) throw new Error(`not an address: ${address}`);
  const words = `(${[...options, `fsid=${id}`].join(',')})`;
  return `${comment}${escapePath(path)} \\\n  ${addresses.map((address) => address + words).join(' \\\n  ')}\n`;
}

/** At the head of every file: whose export it is, and of which revision. */
export function exportComment({ id, name, revision }: Pick<Export, 'id' | 'name' | 'revision'>): string {
  // nothing in it ends its line
  const label = name.replaceAll(/[^A-Za-z0-9._-]/g, '?');
  return `# filesystem ${label}\n# id ${id}\n# revision ${revision}\n# Written by nova-shared-filesystem: what is changed here is written over.\n`;
}

/** The revision that stands in an exports file; 0 when it cannot be read. Apart from the rest: lists are long. */
export function revisionIn(text: string): bigint {
  return parseRevision(/^# revision (.*)$/m.exec(text.slice(0, LONGEST_COMMENT))?.[1] ?? '') ?? 0n;
}

/** Reads what an exports file exports, also one that somebody has edited. */
export function parseExports(text: string): ExportsFile {
  const lines = text.replaceAll('\\\n', ' ').split('\n');
  const exported = lines.filter((line) => !/^\s*(#|$)/.test(line)).map((line) => line.trim().split(/\s+/));
  const [path] = exported[0] ?? [];
  // options for the rest of the line begin with a dash; a path without a client, and options without one, are for everybody
  const words = exported.flatMap(([, ...rest]) => {
    const given = rest.filter((word) => !word.startsWith('-'));
    return given.length === 0 ? ['*'] : given;
  });
  const clients = words.map((word) => word.replace(/\(.*$/, '') || '*');
  return { path: path === undefined ? null : unescapePath(path), clients: [...new Set(clients)] };
}

/** One line of the server's table: `path<tab>client(options)`, escaped as in exports(5). */
export function parseTable(text: string): ReadonlyMap<string, readonly string[]> {
  const table = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [path, client] = line.split('\t');
    if (!path || !client) continue;
    const clients = table.get(unescapePath(path)) ?? [];
    table.set(unescapePath(path), clients);
    clients.push(client.replace(/\(.*$/, ''));
  }
  return table;
}

/** Addresses as in an access list; behind them whatever else somebody has written there. */
export function sortedClients(clients: readonly string[]): readonly string[] {
  const foreign = clients.filter((each) => isIP(each) === 0);
  return [...clients.filter((each) => isIP(each) !== 0).toSorted(compareAddresses), ...foreign.toSorted(byText)];
}

function byText(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}

/** Everything but the plainest characters as `\ooo`. */
function escapePath(path: string): string {
  return [...Buffer.from(path)].map(escapeByte).join('');
}

function escapeByte(byte: number): string {
  const character = String.fromCharCode(byte);
  return /[A-Za-z0-9/._-]/.test(character) ? character : `\\${byte.toString(8).padStart(3, '0')}`;
}

function unescapePath(path: string): string {
  const bytes = Buffer.from(path).toString('latin1');
  const plain = bytes.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  return Buffer.from(plain, 'latin1').toString();
}
