import type { RequestHandler } from 'express';
import { answer, isRead } from './answers';

/**
 * The version document of the Compute endpoint, as clients ask for it before they have a token. They take the service for
 * Compute's second version only when the id says so, and join the tenant to the link.
 * @param base without a slash at its end
 */
const versionDocument = (base: string) => ({
  id: 'v2.0',
  status: 'CURRENT',
  version: '',
  min_version: '',
  updated: '2011-01-21T11:33:21Z',
  links: [{ rel: 'self', href: `${base}/v1.1/` }],
});

/** `/`: which versions there are. @param base how clients reach the gateway, asked at each request */
export function versionList(base: () => string): RequestHandler {
  return (request, response) => {
    if (isRead(request, response)) answer(response, 300, { versions: [versionDocument(base())] });
  };
}

/** `/v1.1` and `/v1.1/`: the one that there is. */
export function versionDetail(base: () => string): RequestHandler {
  return (request, response) => {
    if (isRead(request, response)) answer(response, 200, { version: versionDocument(base()) });
  };
}
