/** Settings of a backend on a stand-in, or on a real Manila. */
export function manilaOptions({ url }: { readonly url: string }, locks: string, more: Record<string, unknown> = {}) {
  return {
    name: 'shares',
    driver: 'manila',
    url: `${url}/v2`,
    shareType: 'default',
    locks,
    auth: {
      url: `${url}/v3`,
      username: 'shared-filesystem',
      password: 'a-secret-password',
      projectName: 'storage',
    },
    ...more,
  };
}
