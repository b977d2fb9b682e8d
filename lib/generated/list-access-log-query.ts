// Made of schemas/list-access-log-query.json by .ci/generate-types.mjs: change that, and run it.

/**
 * Query of GET /os-filesystem/{name}/access-log.
 */
export interface ListAccessLogQuery {
  /**
   * Entries a page; 0, or more than the largest page: the largest.
   */
  limit?: string;
  /**
   * A place in the log, as links have it: the list begins behind it.
   */
  marker?: string;
  /**
   * From then on, in ISO 8601.
   */
  since?: string;
  /**
   * Before that, in ISO 8601.
   */
  until?: string;
  /**
   * An instance's id, whether it still exists or not.
   */
  instance?: string;
  /**
   * One IPv4 or IPv6 address, in any spelling.
   */
  address?: string;
}
