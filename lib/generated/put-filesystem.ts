// Made of schemas/put-filesystem.json by .ci/generate-types.mjs: change that, and run it.

/**
 * Body of PUT /os-filesystem/{name}.
 */
export interface PutFilesystem {
  fs_entry: {
    /**
     * How much it may hold: a whole number and a unit, or a number alone, which means Gb.
     */
    size: string | number;
    /**
     * Which instances may mount it.
     */
    scope: 'instance' | 'project' | 'global';
    /**
     * The project whose instances get access: with scope project alone. By default the one that owns it.
     */
    project?: string;
    /**
     * As in the URL.
     */
    name?: string;
  };
}
