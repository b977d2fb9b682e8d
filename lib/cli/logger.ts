import pino from 'pino';
import type { Settings } from '../gateway/settings';
import type { Logger } from '../ports/host';

/** Logs to the standard output: for people on a terminal, JSON lines elsewhere. */
export function createLogger(level: Settings['logLevel'], isTerminal: boolean): Logger {
  // Written at once, not by a worker: the last lines before the end are the ones that are wanted.
  if (!isTerminal) return pino({ level }, pino.destination({ dest: 1, sync: true }));
  const pretty = require('pino-pretty') as typeof import('pino-pretty');
  return pino({ level }, pretty({ sync: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l' }));
}
