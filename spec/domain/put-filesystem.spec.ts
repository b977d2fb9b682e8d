import { Conflict, InvalidInput } from '../../lib/domain/errors';
import type { Filesystem, Scope } from '../../lib/domain/filesystem';
import { planPut, type WantedFilesystem } from '../../lib/domain/put-filesystem';
import { parseSize } from '../../lib/domain/size';

const OWNER = 'alpha';
const GiB = 1024n ** 3n;

/** What is there: 4Gb of scope project for its owner. */
const existing = (rest: Partial<Filesystem> = {}): Filesystem => ({
  id: '6f1c1f0e-3a55-4e0b-9d0e-2b7c5a1d4e90',
  name: 'fs-1',
  owner: OWNER,
  scope: 'project',
  project: rest.scope === undefined || rest.scope === 'project' ? OWNER : null,
  size: parseSize('4Gb'),
  appliedSize: parseSize('4Gb'),
  status: 'available',
  deletionWanted: false,
  attributesRevision: 1n,
  desiredRevision: 1n,
  appliedRevision: 1n,
  backend: 'default',
  number: null,
  protocol: null,
  exportLocation: null,
  usedBytes: null,
  fault: null,
  created: new Date(0),
  updated: new Date(0),
  ...rest,
});
const wanted = (scope: Scope, size = '4Gb', project?: string): WantedFilesystem => ({
  scope,
  size: parseSize(size),
  project,
});

describe('planPut', () => {
  it.each<[what: WantedFilesystem, project: string | null]>([
    [wanted('global'), null],
    [wanted('instance'), null],
    [wanted('project'), OWNER],
    [wanted('project', '4Gb', 'beta'), 'beta'],
  ])('creates what is not there: %j', (what, project) => {
    const { size, scope } = what;
    expect(planPut(null, what, OWNER)).toEqual({ kind: 'create', attributes: { size, scope, project } });
  });

  it.each<[what: WantedFilesystem, present: Filesystem]>([
    [wanted('project'), existing()],
    [wanted('project', '4Gb', OWNER), existing()],
    [wanted('project'), existing({ project: 'beta' })],
    [wanted('project', '4096Mb'), existing()],
    [wanted('global'), existing({ scope: 'global' })],
    [wanted('project'), existing({ usedBytes: 5n * GiB })],
  ])('does nothing for the same again: %j', (what, present) => {
    expect(planPut(present, what, OWNER)).toEqual({ kind: 'nothing' });
    expect(planPut({ ...present, status: 'error' }, what, OWNER)).toEqual({ kind: 'retry' });
  });

  it.each<[change: string, present: Filesystem, what: WantedFilesystem, endConnections: boolean, withdraws: boolean]>([
    ['growing', existing(), wanted('project', '5Gb'), false, false],
    ['shrinking', existing(), wanted('project', '3Gb'), false, false],
    ['project to global', existing(), wanted('global'), false, false],
    ['project to instance', existing(), wanted('instance'), false, true],
    ['one project to another', existing(), wanted('project', '4Gb', 'beta'), false, true],
    ['global to project', existing({ scope: 'global' }), wanted('project'), false, true],
    ['global to instance', existing({ scope: 'global' }), wanted('instance'), false, true],
    ['instance to global', existing({ scope: 'instance' }), wanted('global'), true, false],
    ['instance to project', existing({ scope: 'instance' }), wanted('project'), true, true],
    ['growing, on status error', existing({ status: 'error' }), wanted('project', '5Gb'), false, false],
  ])('changes: %s', (_change, present, what, endConnections, withdraws) => {
    const { size, scope } = what;
    const project = scope === 'project' ? (what.project ?? OWNER) : null;
    expect(planPut(present, what, OWNER)).toEqual({
      kind: 'change',
      attributes: { size, scope, project },
      endConnections,
      withdraws,
    });
  });

  it('keeps the first spelling of a size when something else changes', () => {
    expect(planPut(existing(), wanted('global', '4096 MiB'), OWNER)).toMatchObject({
      attributes: { size: { text: '4Gb' } },
    });
  });

  it.each<Scope>(['global', 'instance'])('refuses a project with scope %s', (scope) => {
    expect(() => planPut(null, wanted(scope, '4Gb', OWNER), OWNER)).toThrow(InvalidInput);
    expect(() => planPut(existing(), wanted(scope, '4Gb', OWNER), OWNER)).toThrow('goes with scope "project" alone');
  });

  it('refuses to shrink below what is known to be in use', () => {
    const present = existing({ usedBytes: 3n * GiB + 1n });
    const plan = () => planPut(present, wanted('project', '3Gb'), OWNER);
    expect(plan).toThrow(Conflict);
    expect(plan).toThrow('holds 3221225473 bytes, more than 3Gb');
  });

  it.each<[used: bigint | null, size: string, why: string]>([
    [3n * GiB, '3Gb', 'it just fits'],
    [null, '3Gb', 'nobody knows'],
    [6n * GiB, '5Gb', 'it grows'],
  ])('changes what holds %p bytes to %s: %s', (usedBytes, size) => {
    expect(planPut(existing({ usedBytes }), wanted('project', size), OWNER).kind).toBe('change');
  });
});
