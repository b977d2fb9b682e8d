import { type Asked, HELP, readArguments } from '../../lib/cli/arguments';

describe('readArguments', () => {
  it.each<[string, Asked]>([
    ['', { kind: 'run' }],
    ['--help', { kind: 'help' }],
    ['-v', { kind: 'version' }],
    ['reconcile --backend one', { kind: 'reconcile', backends: ['one'] }],
    ['reconcile --backend one --backend=two', { kind: 'reconcile', backends: ['one', 'two'] }],
    ['reconcile --help', { kind: 'help' }],
    ['migrate', { kind: 'migrate', change: null }],
    [
      'migrate --grant-reconciler filer1 --backend one --backend two',
      { kind: 'migrate', change: { kind: 'grant', role: 'filer1', backends: ['one', 'two'] } },
    ],
    ['migrate --revoke-reconciler filer1', { kind: 'migrate', change: { kind: 'revoke', role: 'filer1' } }],
  ])('reads "%s"', (line, asked) => {
    expect(readArguments(line.split(' ').filter(Boolean))).toEqual(asked);
  });

  it.each<[string, RegExp]>([
    ['--port 1', /^Unknown argument in "--port 1"/],
    ['serve', /^Unknown argument in "serve"/],
    ['reconcile', /^reconcile needs --backend NAME/],
    ['reconcile one', /^Unknown argument/],
    ['reconcile --backend', /^Unknown argument/],
    ['--backend one', /^Unknown argument/],
    ['migrate --grant-reconciler filer1', /belong together/],
    ['migrate --backend one', /belong together/],
    ['migrate --grant-reconciler a --revoke-reconciler b --backend one', /one role at a time/],
    ['toString', /^Unknown argument/],
  ])('refuses "%s"', (line, message) => {
    expect(readArguments(line.split(' '))).toEqual({ kind: 'wrong', message: expect.stringMatching(message) });
  });

  it('tells of every command', () => {
    for (const command of ['reconcile', 'migrate']) expect(HELP).toContain(`  ${command} `);
  });
});
