import { startEmbeddedPostgres } from '../../lib/store/embedded-postgres';

/** What a process that uses an embedded Postgres says, a line of JSON each. */
export interface Said {
  readonly what: 'started' | 'interrupted' | 'stopped' | 'failed';
  readonly url: string;
  readonly adopted: boolean;
  readonly message?: string;
}

const say = (said: Said): boolean => process.stdout.write(`${JSON.stringify(said)}\n`);

async function main(dir: string): Promise<void> {
  try {
    const postgres = await startEmbeddedPostgres(dir);
    const tell = (what: Said['what']): boolean => say({ what, url: postgres.url(), adopted: postgres.adopted });
    process.once('SIGINT', () => tell('interrupted'));
    tell('started');
    // It stops when its input ends; then nothing may keep it from ending by itself.
    process.stdin.resume().once('end', () => {
      void postgres.stop().then(() => tell('stopped'));
    });
  } catch (error) {
    say({ what: 'failed', url: '', adopted: false, message: String(error) });
  }
}

if (require.main === module) void main(String(process.argv[2]));
