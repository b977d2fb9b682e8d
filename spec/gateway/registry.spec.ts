import { ExtensionRegistry } from '../../lib/gateway/registry';

const entry = (alias: string, name = alias) => ({
  alias,
  name,
  updated: '2026-01-01T00:00:00+00:00',
  links: [],
  namespace: `http://example.org/${alias}`,
  description: 'An extension',
});

describe('ExtensionRegistry', () => {
  it('lists entries in the order in which they came', () => {
    const registry = new ExtensionRegistry();
    registry.add(entry('os-second'));
    registry.add(entry('os-first'));
    expect(registry.list().map(({ alias }) => alias)).toEqual(['os-second', 'os-first']);
  });

  it('passes over an alias that is there already', () => {
    const registry = new ExtensionRegistry();
    registry.add(entry('os-one', 'The first'));
    registry.add(entry('os-one', 'The second'));
    expect(registry.list()).toEqual([entry('os-one', 'The first')]);
  });

  it.each(['os-other', '__proto__', 'constructor'])('finds none of the alias %s', (alias) => {
    const registry = new ExtensionRegistry();
    registry.add(entry('os-one'));
    expect(registry.find(alias)).toBeUndefined();
  });
});
