// Made of schemas/backends.json by .ci/generate-types.mjs: change that, and run it.

/**
 * The file that BACKENDS names. What else a backend takes its driver says (docs/drivers.md).
 *
 * @minItems 1
 */
export type Backends = [
  {
    /**
     * As administrators see it. It never changes: filesystems remember it.
     */
    name: string;
    /**
     * The driver's name.
     */
    driver: string;
    [k: string]: unknown;
  },
  ...{
    /**
     * As administrators see it. It never changes: filesystems remember it.
     */
    name: string;
    /**
     * The driver's name.
     */
    driver: string;
    [k: string]: unknown;
  }[],
];
