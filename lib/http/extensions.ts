import { NotFound } from '../domain/errors';
import type { Handler } from './call';
import { checkNoQuery } from './validation';

/** `GET /extensions`, where the host has no registry. */
export const listExtensions: Handler = async ({ entry }, { query }) => {
  checkNoQuery(query);
  return { status: 200, body: { extensions: entry ? [entry] : [] } };
};

/** `GET /extensions/{alias}`. @throws NotFound */
export const showExtension: Handler = async ({ entry }, { query, name }) => {
  checkNoQuery(query);
  if (entry?.alias !== name) throw new NotFound('Extension could not be found.');
  return { status: 200, body: { extension: entry } };
};
