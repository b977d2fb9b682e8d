// Made of schemas/list-filesystems-query.json by .ci/generate-types.mjs: change that, and run it.

/**
 * Query of GET /os-filesystem and GET /os-filesystem/detail.
 */
export interface ListFilesystemsQuery {
  /**
   * Entries a page; 0, or more than the largest page: the largest.
   */
  limit?: string;
  /**
   * A name: the list begins behind it, whether there is one of that name or not.
   */
  marker?: string;
  scope?: 'instance' | 'project' | 'global';
  status?: 'creating' | 'available' | 'resizing' | 'deleting' | 'error';
  /**
   * The attribute `project`.
   */
  project?: string;
  /**
   * The project that owns it; for an administrator alone.
   */
  owner?: string;
  /**
   * Filesystems of all tenants; for an administrator alone.
   */
  all_tenants?: string;
}
