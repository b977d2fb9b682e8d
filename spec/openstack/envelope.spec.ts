import { openEnvelope } from '../../lib/openstack/envelope';

const SECRET = 'token of the user';
const open = (body: unknown) => openEnvelope(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)));
const envelope = (version: unknown, message: unknown) => ({ 'oslo.version': version, 'oslo.message': message });

describe('openEnvelope', () => {
  it.each([
    ['an envelope', envelope('2.0', '{"event_type":"é"}')],
    ['one of a later minor version', envelope('2.13', '{"event_type":"é"}')],
    ['a plain dictionary', { event_type: 'é' }],
  ])('opens %s', (_what, body) => {
    expect(open(body)).toEqual({ kind: 'message', message: { event_type: 'é' } });
  });

  it.each([
    ['nothing', '', 'not-json', 'its body is no JSON'],
    ['text', SECRET, 'not-json', 'its body is no JSON'],
    ['bytes', '\u{fffd}\u0000\u0001', 'not-json', 'its body is no JSON'],
    ['half a message', `{"event_type":"${SECRET}`, 'not-json', 'its body is no JSON'],
    ['JSON behind a byte order mark', '\ufeff{}', 'not-json', 'its body is no JSON'],
    ['a list', [SECRET], 'wrong-envelope', 'its body is no object'],
    ['null', null, 'wrong-envelope', 'its body is no object'],
    ['a number', 7, 'wrong-envelope', 'its body is no object'],
    ['an envelope of version 1', envelope('1.0', '{}'), 'wrong-envelope', 'is not 2.x'],
    ['one of version 3', envelope('3.0', '{}'), 'wrong-envelope', 'is not 2.x'],
    ['one with a number for its version', envelope(2, '{}'), 'wrong-envelope', 'is not 2.x'],
    ['one without a version', { 'oslo.message': '{}' }, 'wrong-envelope', 'is not 2.x'],
    ['one without a message', { 'oslo.version': '2.0' }, 'wrong-envelope', 'holds no "oslo.message" as text'],
    ['one with an object in it', envelope('2.0', {}), 'wrong-envelope', 'holds no "oslo.message" as text'],
    ['one with text in it', envelope('2.0', SECRET), 'not-json', 'in its envelope is no JSON'],
    ['one with a list in it', envelope('2.0', '[]'), 'wrong-envelope', 'in its envelope is no object'],
  ])('describes %s, without its words', (_what, body, kind, reason) => {
    const opened = open(body);
    expect(opened).toMatchObject({ kind, reason: expect.stringContaining(reason) });
    expect(JSON.stringify({ ...opened, found: null })).not.toContain(SECRET);
  });

  it('takes no key that is inherited, and makes none of __proto__', () => {
    expect(open('{"__proto__":{"oslo.version":"2.0","oslo.message":"[]"},"event_type":"x"}')).toMatchObject({
      kind: 'message',
      message: { event_type: 'x' },
    });
  });
});
