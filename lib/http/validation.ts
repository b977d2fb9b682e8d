import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020';
import changeFilesystemQuery from '../../schemas/change-filesystem-query.json';
import connectInstance from '../../schemas/connect-instance.json';
import listAccessLogQuery from '../../schemas/list-access-log-query.json';
import listDeletedQuery from '../../schemas/list-deleted-query.json';
import listFilesystemsQuery from '../../schemas/list-filesystems-query.json';
import listInstancesQuery from '../../schemas/list-instances-query.json';
import noQuery from '../../schemas/no-query.json';
import putFilesystem from '../../schemas/put-filesystem.json';
import restoreFilesystem from '../../schemas/restore-filesystem.json';
import showInstanceQuery from '../../schemas/show-instance-query.json';
import { InvalidInput } from '../domain/errors';
import type { ChangeFilesystemQuery } from '../generated/change-filesystem-query';
import type { ConnectInstance } from '../generated/connect-instance';
import type { ListAccessLogQuery } from '../generated/list-access-log-query';
import type { ListDeletedQuery } from '../generated/list-deleted-query';
import type { ListFilesystemsQuery } from '../generated/list-filesystems-query';
import type { ListInstancesQuery } from '../generated/list-instances-query';
import type { PutFilesystem } from '../generated/put-filesystem';
import type { RestoreFilesystem } from '../generated/restore-filesystem';
import type { ShowInstanceQuery } from '../generated/show-instance-query';

// verbose: what the schema says of a value goes into the message. No coercion, nothing removed: what is wrong is told.
const ajv = new Ajv2020({ verbose: true, allowUnionTypes: true });
ajv.addKeyword('x-expected');

/** @throws InvalidInput in words for people, naming the place */
export const checkPutFilesystem = checker(ajv.compile<PutFilesystem>(putFilesystem), 'The body');
export const checkConnectInstance = checker(ajv.compile<ConnectInstance>(connectInstance), 'The body');
export const checkRestoreFilesystem = checker(ajv.compile<RestoreFilesystem>(restoreFilesystem), 'The body');
export const checkListFilesystemsQuery = checker(ajv.compile<ListFilesystemsQuery>(listFilesystemsQuery), 'The query');
export const checkListDeletedQuery = checker(ajv.compile<ListDeletedQuery>(listDeletedQuery), 'The query');
export const checkListInstancesQuery = checker(ajv.compile<ListInstancesQuery>(listInstancesQuery), 'The query');
export const checkListAccessLogQuery = checker(ajv.compile<ListAccessLogQuery>(listAccessLogQuery), 'The query');
export const checkShowInstanceQuery = checker(ajv.compile<ShowInstanceQuery>(showInstanceQuery), 'The query');
export const checkChangeFilesystemQuery = checker(
  ajv.compile<ChangeFilesystemQuery>(changeFilesystemQuery),
  'The query',
);
export const checkNoQuery = checker(ajv.compile<object>(noQuery), 'The query');

function checker<Checked>(validate: ValidateFunction<Checked>, whole: string): (value: unknown) => Checked {
  return (value) => {
    if (!validate(value)) throw new InvalidInput(messageOf(validate.errors?.[0], whole));
    return value;
  };
}

function messageOf(error: ErrorObject | undefined, whole: string): string {
  if (!error) return `${whole} is not valid.`;
  const { keyword, instancePath, params, parentSchema } = error;
  const at = (name = '') => [...instancePath.split('/').slice(1), name].filter((part) => part !== '').join('.');
  const place = at() === '' ? whole : `\`${at()}\``;
  switch (keyword) {
    case 'required':
      return `\`${at(params.missingProperty)}\` is missing.`;
    case 'additionalProperties':
      return `\`${at(params.additionalProperty)}\` is not known here: leave it out.`;
    case 'enum':
      return `${place} must be ${params.allowedValues.map((each: unknown) => JSON.stringify(each)).join(' or ')}.`;
    default:
      return `${place} must be ${parentSchema?.['x-expected'] ?? 'a JSON object'}.`;
  }
}
