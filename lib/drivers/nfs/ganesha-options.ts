/** One setting of an export and its value, as ganesha-export-config(8) has them. */
export type GaneshaOption = readonly [name: string, value: string];

interface Known {
  /** What is written when nothing is configured. */
  readonly value: string;
  readonly values: RegExp;
}

/**
 * What an export may have, in the order in which it is written: all of it in every export, since what is left out is whatever
 * the server's own configuration says. Access is not among it: that is ours.
 */
const KNOWN: ReadonlyMap<string, Known> = new Map([
  ['Protocols', { value: '4', values: /^4$/ }],
  ['Transports', { value: 'TCP', values: /^(TCP|RDMA|TCP, RDMA)$/ }],
  ['SecType', { value: 'sys', values: /^(sys|krb5|krb5i|krb5p)(, (sys|krb5|krb5i|krb5p))*$/ }],
  ['Squash', { value: 'root_squash', values: /^(root_squash|root_id_squash|all_squash|no_root_squash)$/ }],
  ['Anonymous_Uid', { value: '-2', values: /^(-2|\d{1,9})$/ }],
  ['Anonymous_Gid', { value: '-2', values: /^(-2|\d{1,9})$/ }],
  ['PrivilegedPort', { value: 'true', values: /^(true|false)$/ }],
  ['Manage_Gids', { value: 'false', values: /^(true|false)$/ }],
  // a client that has one goes on without asking: it would not notice that it was cut off
  ['Delegations', { value: 'None', values: /^None$/ }],
]);

/**
 * Reads the options of a backend's exports.
 * @param said `Squash = all_squash` and the like; what is not said is as it is safe
 * @returns all of them
 * @throws Error naming the first that is not known
 */
export function readGaneshaOptions(said: readonly string[]): readonly GaneshaOption[] {
  const values = new Map([...KNOWN].map(([name, { value }]) => [name, value]));
  for (const option of said) {
    const [name = '', value = ''] = option.split(/\s*=\s*/);
    if (!isKnownOption([name, value]))
      throw new Error(
        `Unknown export option "${option}": known are ${[...KNOWN].map(([each, { value: safe }]) => `"${each} = ${safe}"`).join(', ')} and their other values (ganesha-export-config(8)).`,
      );
    values.set(name, value);
  }
  return [...values];
}

/** Whether an export of ours may have it. */
export function isKnownOption([name, value]: GaneshaOption): boolean {
  return KNOWN.get(name)?.values.test(value) ?? false;
}
