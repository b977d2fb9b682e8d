// Made of schemas/change-filesystem-query.json by .ci/generate-types.mjs: change that, and run it.

/**
 * Query of PUT and DELETE /os-filesystem/{name}.
 */
export interface ChangeFilesystemQuery {
  /**
   * Nothing is changed: the answer is what would change of who is let in.
   */
  dry_run?: string;
}
