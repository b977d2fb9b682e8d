import { InvalidInput } from '../domain/errors';
import { isFilesystemName } from '../domain/name';

/** Of a filesystem that is to be made or renamed. @throws InvalidInput in words for people */
export function requireName(name: string): void {
  if (!isFilesystemName(name))
    throw new InvalidInput(
      `Invalid name ${JSON.stringify(name)}: expected 1 to 63 of A-Z a-z 0-9 . _ -, the first a letter or digit; "detail" is reserved.`,
    );
}
