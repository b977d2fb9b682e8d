// Made of schemas/events.json by .ci/generate-types.mjs: change that, and run it.

/**
 * Body of POST /os-filesystem/_events: one notification of Nova as it stands, legacy or versioned, or a list of them.
 */
export interface Events {
  /**
   * @maxItems 1000
   */
  events?: {}[];
  [k: string]: unknown;
}
