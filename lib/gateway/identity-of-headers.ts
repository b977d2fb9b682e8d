import type { IncomingMessage } from 'node:http';

/** The role whose bearers are administrators, as Nova's own policy has it. Lower case: Keystone's roles know no other. */
export const ADMINISTRATOR = 'admin';

/** A header's value; undefined when it is absent, empty or there twice: two values can be read in two ways. */
export function singleHeader(request: IncomingMessage, name: string): string | undefined {
  const values = request.headersDistinct[name] ?? [];
  return values.length === 1 && values[0] ? values[0] : undefined;
}

/** `X-Roles`, a comma list, in lower case; an empty one means no role. Undefined: there is no such header, or two. */
export function rolesOf(request: IncomingMessage): readonly string[] | undefined {
  const values = request.headersDistinct['x-roles'] ?? [];
  if (values.length !== 1) return undefined;
  return (values[0] ?? '')
    .split(',')
    .map((role) => role.trim().toLowerCase())
    .filter((role) => role !== '');
}
