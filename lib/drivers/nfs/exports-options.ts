/** What is written when nothing is configured: in full, since the server's own defaults have changed over the years. */
export const DEFAULT_OPTIONS = ['rw', 'sync', 'no_subtree_check', 'root_squash', 'secure', 'sec=sys'];

/** Words of exports(5) that a backend may have. `fsid` is ours; what opens other files than the volume's is not among them. */
const WORDS = new Set([
  'rw',
  'sync',
  'async',
  'wdelay',
  'no_wdelay',
  'subtree_check',
  'no_subtree_check',
  'root_squash',
  'no_root_squash',
  'all_squash',
  'no_all_squash',
  'secure',
  'insecure',
  'mountpoint',
  'security_label',
]);
const SECURITY = /^sec=(sys|krb5|krb5i|krb5p)(:(sys|krb5|krb5i|krb5p))*$/;
const ANONYMOUS = /^anon(uid|gid)=\d{1,10}$/;

/**
 * Checks the options of a backend's exports.
 * @param mounted whether each volume is mounted by itself: what is none then is not exported, or clients could read the filer's own files
 * @throws Error naming the first that is not known
 */
export function exportOptions(options: readonly string[], mounted: boolean): readonly string[] {
  for (const option of options)
    if (!WORDS.has(option) && !SECURITY.test(option) && !ANONYMOUS.test(option))
      throw new Error(
        `Unknown export option "${option}": known are ${[...WORDS].join(', ')}, sec=…, anonuid=…, anongid=… (exports(5)).`,
      );
  return mounted && !options.includes('mountpoint') ? [...options, 'mountpoint'] : options;
}
