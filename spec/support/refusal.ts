import { InvalidInput } from '../../lib/domain/errors';

/** The words of what `action` throws, which must be for people. */
export function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof InvalidInput) return error.message;
    throw error;
  }
  throw new Error('it was read');
}
