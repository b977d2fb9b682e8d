// Made of schemas/show-instance-query.json by .ci/generate-types.mjs: change that, and run it.

/**
 * Query of GET /os-filesystem/{name}/instances/{id}.
 */
export interface ShowInstanceQuery {
  /**
   * Why it has access, or not.
   */
  explain?: string;
}
