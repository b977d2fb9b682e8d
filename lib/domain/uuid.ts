/** The ids of filesystems, their volumes and backends: UUIDs (RFC 9562), written small. */
export const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Whether it is one. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}
