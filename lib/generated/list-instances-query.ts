// Made of schemas/list-instances-query.json by .ci/generate-types.mjs: change that, and run it.

/**
 * Query of GET /os-filesystem/{name}/instances.
 */
export interface ListInstancesQuery {
  /**
   * Entries a page; 0, or more than the largest page: the largest.
   */
  limit?: string;
  /**
   * An instance's id: the list begins behind it.
   */
  marker?: string;
  /**
   * Who was let in at that time, in ISO 8601. Not together with `status`.
   */
  at?: string;
  status?: 'pending' | 'connected' | 'disconnecting' | 'error';
}
