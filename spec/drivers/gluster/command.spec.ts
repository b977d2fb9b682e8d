import { GlusterCommand } from '../../../lib/drivers/gluster/command';
import { parseXml } from '../../../lib/drivers/gluster/xml';
import { ProgramFailed, run } from '../../../lib/drivers/run';
import { TerminalError } from '../../../lib/ports/driver';
import { refusal, success } from '../../support/gluster-stand-in';

const { signal } = new AbortController();
const answering = (text: string) => new GlusterCommand(['/usr/sbin/gluster'], async () => text);

describe('the gluster CLI', () => {
  it('is called with words that follow the command, without a question and in XML', async () => {
    const calls: string[][] = [];
    const command = new GlusterCommand(['/usr/bin/ssh', 'host', 'gluster'], async (program, args) => {
      calls.push([program, ...args]);
      return success();
    });
    await command.change(['volume', 'start', 'a'], signal);
    expect(calls).toEqual([['/usr/bin/ssh', 'host', 'gluster', '--mode=script', '--xml', 'volume', 'start', 'a']]);
  });
  it.each(['a b', '$(reboot)', '*', 'a;b', 'a\nb', '', "'", '`x`', 'a|b'])('never gets the word %j', async (word) => {
    await expect(answering(success()).ask(['volume', 'info', word], signal)).rejects.toThrow('characters');
  });
  it('does one change at a time', async () => {
    let [running, most] = [0, 0];
    const command = new GlusterCommand(['/g'], async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      return success();
    });
    await Promise.all(['a', 'b', 'c'].map((name) => command.change(['volume', 'start', name], signal)));
    expect(most).toBe(1);
  });
  it('goes on with the next after one that failed', async () => {
    const answers = [refusal('no'), success()];
    const command = new GlusterCommand(['/g'], async () => answers.shift() ?? '');
    const [first, second] = await Promise.allSettled([
      command.change(['volume', 'start', 'a'], signal),
      command.change(['volume', 'start', 'b'], signal),
    ]);
    expect([first.status, second.status]).toEqual(['rejected', 'fulfilled']);
  });
  it('says in its own words why it refuses', async () => {
    await expect(answering(refusal('Quota is disabled')).ask(['volume'], signal)).rejects.toThrow('Quota is disabled');
  });
  it('is given up when it hangs', async () => {
    jest.useFakeTimers();
    try {
      const command = new GlusterCommand(
        ['/g'],
        (_, __, each) => new Promise((_resolve, reject) => each.addEventListener('abort', () => reject(each.reason))),
      );
      const call = command.ask(['volume', 'list'], signal).catch(String);
      await jest.advanceTimersByTimeAsync(30_000);
      expect(await call).toContain('has not answered in 30 s');
    } finally {
      jest.useRealTimers();
    }
  });
  it('tells what to install where it is missing, and passes on what else fails', async () => {
    const missing = new GlusterCommand(['/nowhere/gluster'], run);
    await expect(missing.ask(['volume', 'list'], signal)).rejects.toThrow(TerminalError);
    const failing = new GlusterCommand(
      ['/bin/sh', '-c', 'echo "Connection failed. Is glusterd running?" >&2; exit 1'],
      run,
    );
    await expect(failing.ask(['volume', 'list'], signal)).rejects.toThrow(ProgramFailed);
    await expect(failing.ask(['volume', 'list'], signal)).rejects.toThrow('Connection failed');
  });
  it.each([
    '',
    'Connection failed',
    success().slice(0, -5),
    success().repeat(2),
    '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    '<a><b></a></b>',
    '</a>',
    '<a><![CDATA[x]]></a>',
    `${'<a>'.repeat(100)}${'</a>'.repeat(100)}`,
  ])('is not believed when it writes %j', async (text) => {
    await expect(answering(text).ask(['volume', 'info'], signal)).rejects.toThrow('the XML of the gluster CLI');
  });
});

describe('parseXml', () => {
  it('reads elements, text, attributes and what stands for characters', () => {
    const document = '<?xml version="1.0"?>\n<a><b uuid="1">x &lt;&amp;&#39;&gt; <c/></b>\n<b>&unknown;</b></a>\n';
    expect(parseXml(document)).toEqual({
      name: 'a',
      text: '',
      children: [
        { name: 'b', text: "x <&'>", children: [{ name: 'c', text: '', children: [] }] },
        { name: 'b', text: '&unknown;', children: [] },
      ],
    });
  });
});
