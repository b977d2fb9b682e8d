/** Options of Gluster that an operator may set for all volumes: none of them decides who is let in, or how much fits. */
const KNOWN = new Set([
  'client.event-threads',
  'cluster.favorite-child-policy',
  'cluster.quorum-count',
  'cluster.quorum-type',
  'cluster.server-quorum-type',
  'client.ssl',
  'features.shard',
  'features.shard-block-size',
  'network.ping-timeout',
  'performance.cache-size',
  'performance.flush-behind',
  'performance.io-thread-count',
  'performance.open-behind',
  'performance.parallel-readdir',
  'performance.quick-read',
  'performance.read-ahead',
  'performance.readdir-ahead',
  'performance.stat-prefetch',
  'performance.strict-o-direct',
  'performance.write-behind',
  'server.event-threads',
  'server.root-squash',
  'server.ssl',
  'storage.health-check-interval',
  'storage.owner-gid',
  'storage.owner-uid',
  'storage.reserve',
]);
const OPTION = /^(?<name>[a-z.-]+)=(?<value>[A-Za-z0-9.-]{1,32})$/;

/**
 * Reads options as they are written in settings, `network.ping-timeout=10`.
 * @throws Error naming one that is not known, or has no value that an option can have
 */
export function checkOptions(texts: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    texts.map((text) => {
      const { name, value } = OPTION.exec(text)?.groups ?? {};
      if (name === undefined || value === undefined || !KNOWN.has(name))
        throw new Error(`"${text}" is no known option with a value; known are ${[...KNOWN].join(', ')}`);
      return [name, value] as const;
    }),
  );
}
