// Made of schemas/connect-instance.json by .ci/generate-types.mjs: change that, and run it.

/**
 * Body of PUT /os-filesystem/{name}/instances/{id}: none, or an empty one.
 */
export type ConnectInstance = {} | null;
