import { Ajv2020, type AnySchemaObject, type ErrorObject } from 'ajv/dist/2020';

/** One thing that is wrong with a value, for whoever wrote it. */
export interface Fault {
  /** Where, as a JSON pointer without its first slash: `PORT`, `extension/alias`; empty: the whole. */
  readonly path: string;
  /** What is wrong or expected there: `is missing`, `expected a whole number`. */
  readonly message: string;
}

/** Checks a value against a JSON Schema (draft 2020-12), and fills in its defaults. @returns the faults, none when it holds */
export function faultsOf(schema: AnySchemaObject, value: unknown): readonly Fault[] {
  const ajv = new Ajv2020({ allErrors: true, useDefaults: true, verbose: true });
  ajv.addKeyword('x-expected');
  const validate = ajv.compile(schema);
  return validate(value) ? [] : (validate.errors ?? []).map((error) => faultOf(schema, error));
}

function faultOf(
  schema: AnySchemaObject,
  { keyword, instancePath, params, parentSchema, message }: ErrorObject,
): Fault {
  const path = instancePath.slice(1);
  const below = (name: string) => (path === '' ? name : `${path}/${name}`);
  if (keyword === 'required') return { path: below(params.missingProperty), message: 'is missing' };
  if (keyword === 'additionalProperties') return { path: below(params.additionalProperty), message: 'is unknown' };
  const expected = parentSchema?.['x-expected'] ?? expectedOf(schema, path);
  return { path, message: expected ? `expected ${expected}` : `${message}` };
}

/** What the nearest property above says: an item of a list is told by the list. */
function expectedOf(schema: AnySchemaObject, path: string): unknown {
  const [name = ''] = path.split('/');
  return schema.properties?.[name]?.['x-expected'];
}
