import { BusStatus } from '../../lib/openstack/bus-status';

const failure = (message: string, code?: string | number) => Object.assign(new Error(message), { code });

const trial = () => {
  const said: string[] = [];
  const connected: boolean[] = [];
  const log = (level: string) => (_facts: object, message: string) => said.push(`${level}: ${message}`);
  const status = new BusStatus(
    'amqp://nova@bus:5672/',
    'ours',
    { info: log('info'), warn: log('warn') },
    { busConnected: (is) => connected.push(is) },
  );
  return { status, said, connected };
};

describe('the status of the bus', () => {
  it('is not connected at first, and connected when notifications are consumed', () => {
    const { status, said, connected } = trial();
    expect(status.current).toEqual({ connected: false, message: 'the message bus is not connected yet' });
    status.exchange('nova', true);
    status.consuming();
    expect(status.current).toEqual({ connected: true, message: null });
    expect([said, connected]).toEqual([['info: notifications are consumed'], [true]]);
  });

  it('tells why it is lost, and the log says it once, and again when it is back', () => {
    const { status, said } = trial();
    status.exchange('nova', true);
    status.consuming();
    status.lost(failure('read ECONNRESET'));
    for (let attempt = 0; attempt < 9; attempt += 1) status.lost(failure('', 'ECONNREFUSED'));
    expect(status.current).toEqual({ connected: false, message: 'notifications are not consumed: ECONNREFUSED' });
    status.consuming();
    expect(said.slice(1)).toEqual([
      'warn: the message bus is lost: tried again until notifications are consumed',
      'info: the message bus is back: notifications are consumed again',
    ]);
  });

  it('tells what to do about a queue with other arguments, and about a user that is refused', () => {
    const { status, said } = trial();
    status.lost(failure('PRECONDITION_FAILED - inequivalent arg', 406));
    expect(status.current.message).toContain(
      '"ours" exists with other arguments: delete it, or configure another name',
    );
    status.lost(failure('ACCESS_REFUSED', 403));
    expect(status.current.message).toContain('refuses this user');
    expect(said).toHaveLength(2);
  });

  it('tells of other preconditions in the words of the broker', () => {
    const { status } = trial();
    status.lost(failure('PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out', 406));
    expect(status.current.message).toBe(
      'notifications are not consumed: PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out',
    );
  });

  it('names the exchanges that are waited for, each said once, also when the connection is lost meanwhile', () => {
    const { status, said, connected } = trial();
    status.exchange('nova', false);
    status.consuming();
    expect(status.current).toMatchObject({ connected: false, message: expect.stringContaining('exchange "nova"') });
    status.exchange('nova', false);
    status.lost(failure('read ECONNRESET'));
    status.exchange('nova', false);
    status.consuming();
    status.exchange('nova', true);
    expect(status.current).toEqual({ connected: true, message: null });
    expect(said.filter((line) => line.includes('exchange'))).toHaveLength(2);
    expect([connected.slice(0, -1).includes(true), connected.at(-1)]).toEqual([false, true]);
  });

  it('is connected when one of several exchanges is there, and names the others', () => {
    const { status } = trial();
    status.exchange('nova', true);
    status.exchange('openstack', false);
    status.consuming();
    expect(status.current).toMatchObject({ connected: true, message: expect.stringContaining('"openstack"') });
  });

  it('is not connected after the end', () => {
    const { status } = trial();
    status.consuming();
    status.stopped();
    expect(status.current).toMatchObject({ connected: false, message: expect.stringContaining('stops') });
  });
});
