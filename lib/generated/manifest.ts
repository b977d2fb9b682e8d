// Made of schemas/manifest.json by .ci/generate-types.mjs: change that, and run it.

/**
 * What a gateway reads to serve an extension of the Compute API.
 */
export interface Manifest {
  /**
   * The entry that clients of /extensions see.
   */
  extension: {
    updated: string;
    name: string;
    links: unknown[];
    namespace: string;
    alias: string;
    description: string;
  };
  /**
   * The module, relative to the manifest.
   */
  module: string;
  /**
   * The function that the module exports; it is called with the gateway's options, and answers with a router.
   */
  factory: string;
  /**
   * Where the router is mounted, as Express writes paths.
   */
  mountPath: string;
}
