// Made of schemas/no-query.json by .ci/generate-types.mjs: change that, and run it.

/**
 * Query of a request that takes no parameters.
 */
export interface NoQuery {}
