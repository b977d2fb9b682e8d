/** The `code` of an error of the system or of Postgres, such as `ENOENT` and `40001`; empty where it has none. */
export function errorCode(error: unknown): string {
  // not by `instanceof`: an error of Node's own may come from another realm
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}
