import { BlockList, isIP } from 'node:net';
import type { IdentityOf } from '../ports/host';
import { ADMINISTRATOR, rolesOf, singleHeader } from './identity-of-headers';

/**
 * Trusts what keystonemiddleware's `auth_token` sets in front of this gateway: `X-Identity-Status: Confirmed` and
 * `X-Project-Id`, `X-User-Id`, `X-Roles`. From a peer that is no trusted proxy, or without them, the caller is nobody.
 * @param trustedProxies CIDRs, `10.0.0.0/8` or `fd00::/8`; single addresses too
 * @throws Error naming one that is no CIDR
 */
export function headerIdentity(trustedProxies: readonly string[]): IdentityOf {
  const trusted = blockList(trustedProxies);
  return (request) => {
    const peer = request.socket.remoteAddress ?? '';
    if (isIP(peer) === 0 || !trusted.check(peer, familyOf(peer))) return null;
    if (singleHeader(request, 'x-identity-status') !== 'Confirmed') return null;
    const projectId = singleHeader(request, 'x-project-id');
    if (projectId === undefined) return null; // a token without a project: of a domain, of the system
    const roles = rolesOf(request) ?? [];
    const userId = singleHeader(request, 'x-user-id') ?? null;
    return { projectId, userId, roles, isAdmin: roles.includes(ADMINISTRATOR) };
  };
}

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', prefix, ...more] = range.split('/');
    const bits = isIP(address) === 4 ? 32 : 128;
    const length = prefix === undefined ? bits : Number(prefix);
    if (isIP(address) === 0 || more.length > 0 || !/^\d{1,3}$/.test(prefix ?? '0') || length > bits)
      throw new Error(`"${range}" is no range of addresses: expected a CIDR such as "10.0.0.0/8".`);
    list.addSubnet(address, length, familyOf(address));
  }
  return list;
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
