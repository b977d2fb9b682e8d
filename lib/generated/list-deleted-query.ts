// Made of schemas/list-deleted-query.json by .ci/generate-types.mjs: change that, and run it.

/**
 * Query of GET /os-filesystem/_deleted.
 */
export interface ListDeletedQuery {
  /**
   * Entries a page; 0, or more than the largest page: the largest.
   */
  limit?: string;
  /**
   * A place in the list, as links have it: the list begins behind it.
   */
  marker?: string;
  /**
   * Deleted filesystems of all tenants; for an administrator alone.
   */
  all_tenants?: string;
}
