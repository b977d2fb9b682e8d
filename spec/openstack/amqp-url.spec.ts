import { displayAmqpUrls, parseAmqpUrls } from '../../lib/openstack/amqp-url';
import { refusal } from '../support/refusal';

const PASSWORD = 's3cret';
const read = (text: string) =>
  parseAmqpUrls(text).map(
    ({ protocol, username, password, hostname, port, vhost }) =>
      `${protocol} ${username} ${password} ${hostname} ${port} ${vhost}`,
  );

describe('parseAmqpUrls', () => {
  it.each([
    ['amqp://nova:pw@bus:5673/cloud', ['amqp nova pw bus 5673 cloud']],
    ['amqp://nova:pw@bus', ['amqp nova pw bus 5672 /']],
    ['amqps://nova:pw@bus/', ['amqps nova pw bus 5671 /']],
    ['amqp://bus', ['amqp guest guest bus 5672 /']],
    ['AMQP://nova:pw@bus', ['amqp nova pw bus 5672 /']],
    ['amqp://n%40va:p%2Fw%2C%3A%25@bus/a%2Fb', ['amqp n@va p/w,:% bus 5672 a/b']],
    ['amqp://nova:p:w@bus/%2F', ['amqp nova p:w bus 5672 /']],
    ['amqp://nova:@bus', ['amqp nova  bus 5672 /']],
    ['amqp://nova:pw@[fd00::5]:5673,[fd00::6]', ['amqp nova pw fd00::5 5673 /', 'amqp nova pw fd00::6 5672 /']],
    ['rabbit://nova:pw@one:5672,nova:pw@two:5673/v', ['amqp nova pw one 5672 v', 'amqp nova pw two 5673 v']],
    ['rabbit://nova:pw@one,two//v', ['amqp nova pw one 5672 /v', 'amqp nova pw two 5672 /v']],
    ['amqp://nova:pw@one/v, amqp://nova:pw@two/v', ['amqp nova pw one 5672 v', 'amqp nova pw two 5672 v']],
    [' amqps://one,amqps://nova:pw@two/v\n', ['amqps nova pw one 5671 v', 'amqps nova pw two 5671 v']],
  ])('reads %s', (text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  it.each([
    ['', 'expected amqp://'],
    [`http://u:${PASSWORD}@bus`, 'expected amqp://'],
    [`u:${PASSWORD}@bus`, 'expected amqp://'],
    [`amqp://u:${PASSWORD}@`, 'one of its hosts is none'],
    [`amqp://u:${PASSWORD}@bus:0`, 'one of its hosts is none'],
    [`amqp://u:${PASSWORD}@bus:65536`, 'one of its hosts is none'],
    [`amqp://u:${PASSWORD}@bus:amqp`, 'one of its hosts is none'],
    [`amqp://u:${PASSWORD}@one,,two`, 'one of its hosts is none'],
    [`amqp://u:${PASSWORD},x@bus`, 'one of its hosts is none'],
    [`amqp://u:${PASSWORD}/x@bus`, 'expected amqp://'],
    [`amqp://u:12/${PASSWORD}@bus`, 'expected amqp://'],
    [`amqp://u:${PASSWORD}#x@bus`, 'expected amqp://'],
    [`amqp://u:${PASSWORD}?x@bus`, 'encode a ? as %3F'],
    [`amqp://u:${PASSWORD}@bus/v?ssl=1`, 'use the scheme amqps for TLS'],
    [`amqp://${PASSWORD}@bus`, 'one of its users has no password'],
    [`amqp://u:${PASSWORD}%@bus`, 'a % in it'],
    [`amqp://u:${PASSWORD}@one,u:other@two`, 'different users or passwords'],
    [`amqp://u:${PASSWORD}@one,w:${PASSWORD}@two`, 'different users or passwords'],
    [`amqp://u:${PASSWORD}@one/a,amqp://u:${PASSWORD}@two/b`, 'differ in scheme or vhost'],
    [`amqp://u:${PASSWORD}@one,amqps://u:${PASSWORD}@two`, 'differ in scheme or vhost'],
  ])('refuses %s in words without the password', (text, words) => {
    const message = refusal(() => parseAmqpUrls(text));
    expect(message).toContain(words);
    expect(message).not.toContain(PASSWORD);
  });
});

describe('displayAmqpUrls', () => {
  it.each([
    ['amqp://nova:pw@bus/cloud', 'amqp://nova@bus:5672/cloud'],
    ['rabbit://n%40va:pw@one,two:5673', 'amqp://n%40va@one:5672,two:5673/'],
    ['amqps://nova:pw@[fd00::5]/a%2Fb', 'amqps://nova@[fd00::5]:5671/a%2Fb'],
  ])('shows %s as %s', (text, shown) => {
    expect(displayAmqpUrls(parseAmqpUrls(text))).toBe(shown);
  });
});
