// Made of schemas/backends.json by .ci/generate-types.mjs: change that, and run it.

/**
 * The file that BACKENDS names. What else a backend takes its driver says (docs/drivers.md).
 */
export type Backends = BackendList | BackendsAndRules;
/**
 * Backends alone: new filesystems go to the first.
 *
 * @minItems 1
 */
export type BackendList = [Backend, ...Backend[]];

export interface Backend {
  /**
   * As administrators see it. It never changes: filesystems remember it.
   */
  name: string;
  /**
   * The driver's name. Left out, with all other settings: another process works on it, beside the filer (docs/filers.md).
   */
  driver?: string;
  [k: string]: unknown;
}
/**
 * Backends, and which of them new filesystems go to.
 */
export interface BackendsAndRules {
  backends: BackendList;
  /**
   * The first that fits says where a new filesystem goes; the last one must fit all. Without rules: to the first backend.
   *
   * @minItems 1
   */
  rules?: [Rule, ...Rule[]];
}
export interface Rule {
  /**
   * Filesystems of this scope alone.
   */
  scope?: 'global' | 'project' | 'instance';
  /**
   * Filesystems that this project owns, or one of these, alone.
   */
  project?: string | [string, ...string[]];
  /**
   * A backend's name. Of a list: one that is up before one that is not, then the one with most room.
   */
  backend: string | [string, ...string[]];
  /**
   * `file-system`: each volume must be a file system of its own; backends that do not declare that are passed over.
   */
  isolation?: 'file-system';
}
