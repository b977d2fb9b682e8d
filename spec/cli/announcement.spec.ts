import { announcement, type Started, withoutPassword } from '../../lib/cli/announcement';
import { readSettings } from '../../lib/gateway/settings';

const told = (environment: Record<string, string> = {}, backends: Started['backends'] = []): string =>
  announcement({
    version: '1.2.3',
    url: 'http://127.0.0.1:8774',
    database: 'a database',
    backends,
    settings: readSettings(environment, '/'),
  });

describe('announcement', () => {
  it('says what a backend lacks', () => {
    const backend = {
      name: 'default',
      driver: 'nfs',
      served: 'here',
      state: 'up',
      message: null,
      lacks: ['quota', 'usage: seldom'],
    } as const;
    expect(told({}, [backend])).toContain(
      '  backend     default, driver nfs\n              lacks quota\n              lacks usage: seldom\n',
    );
  });

  it('offers no command where identities are real', () => {
    expect(told({ IDENTITY: 'headers' })).not.toContain('curl');
  });

  it.each([
    [{}, 'all fixed ones count'],
    [{ NETWORKS: '10.20.0.0/16', ADDRESSES: 'fixed,floating' }, 'fixed and floating ones of 10.20.0.0/16 count'],
    [{ IDENTITY: 'headers' }, 'none counts: NETWORKS is not set'],
  ])('says with %p which addresses count', (environment, line) => {
    expect(told(environment as Record<string, string>)).toContain(`addresses   ${line}\n`);
  });
});

describe('withoutPassword', () => {
  it.each([
    ['postgres://u:secret@h:5432/d', 'postgres://u:***@h:5432/d'],
    ['postgres://u@h/d?password=secret&sslmode=require', 'postgres://u@h/d?password=***&sslmode=require'],
    ['postgres:///d?host=/run/postgres', 'postgres:///d?host=/run/postgres'],
  ])('shows %s as %s', (url, shown) => {
    expect(decodeURIComponent(withoutPassword(url))).toBe(shown);
  });
});
