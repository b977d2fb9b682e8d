// Made of schemas/restore-filesystem.json by .ci/generate-types.mjs: change that, and run it.

/**
 * Body of POST /os-filesystem/_deleted/{id}/restore: none, or the name that it is to have.
 */
export type RestoreFilesystem = {
  /**
   * Another name, where its own is taken.
   */
  name?: string;
} | null;
