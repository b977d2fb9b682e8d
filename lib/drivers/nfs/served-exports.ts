import { TerminalError, type Volume } from '../../ports/driver';
import { BusError } from './dbus';
import type { ExportManager, ServedExport, ShownExport } from './export-manager';

type Numbered = Pick<Volume, 'id' | 'number'>;

/**
 * The exports of volumes, as the server has them. A number alone is not believed: a database that was restored may give a
 * volume the number that another has by now, or an export of the operator's.
 */
export class ServedExports {
  constructor(private readonly manager: ExportManager) {}

  /**
   * The server's export with the number of a volume; null: it has none, or it is not this volume's.
   * @param where the volume's path
   */
  async show({ id, number }: Numbered, where: string, signal: AbortSignal): Promise<ShownExport | null> {
    if (number === null) return null;
    const shown = await this.manager.show(number, signal);
    return shown && isOf(shown, id, where) ? shown : null;
  }

  /**
   * The export of a volume, whatever number it has: a database that was restored may tell another than the server does.
   * It asks for all exports, for 26 ms of 1,000, so where the number leads to nothing.
   */
  async find({ id }: Pick<Volume, 'id'>, where: string, signal: AbortSignal): Promise<ShownExport | null> {
    const found = (await this.manager.list(signal)).find((each) => each.number > 0 && isOf(each, id, where));
    return found ? this.show({ id, number: found.number }, where, signal) : null;
  }

  /** Removes it, if it is this volume's. @returns whether it was */
  async remove(volume: Numbered, where: string, signal: AbortSignal): Promise<boolean> {
    const shown = await this.show(volume, where, signal);
    return shown !== null && (await this.manager.remove(shown.number, signal));
  }

  /** Removes it under whatever number. */
  async removeFound({ id }: Pick<Volume, 'id'>, where: string, signal: AbortSignal): Promise<boolean> {
    const found = await this.find({ id }, where, signal);
    return found !== null && (await this.manager.remove(found.number, signal));
  }

  /**
   * Makes the server have it as its file says.
   * @throws TerminalError when the number is another's
   */
  async bring(
    file: string,
    { id, number }: { readonly id: string; readonly number: number },
    where: string,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      return await this.manager.update(file, number, signal);
    } catch (error) {
      if (!(error instanceof BusError)) throw error;
      const shown = await this.manager.show(number, signal);
      if (shown?.path === where) throw error;
      // under another number it has the name that clients know
      if (!shown && !(await this.removeFound({ id }, where, signal))) throw error;
      if (shown && !isOf(shown, id, where))
        throw new TerminalError(`The number ${number} of this filesystem is in use on its backend, by ${shown.path}.`, {
          cause: error,
        });
    }
    // the path of an export cannot be changed
    await this.manager.remove(number, signal);
    await this.manager.update(file, number, signal);
  }

  /** Numbers of all exports, whoever's; 0 is the server's own root, and nobody's. */
  async numbers(signal: AbortSignal): Promise<readonly number[]> {
    const served = await this.manager.list(signal);
    return served.map(({ number }) => number).filter((number) => number > 0);
  }
}

/** The server tells no more of an export than its path; an id in it is as good. */
function isOf({ path }: ServedExport, id: string, where: string): boolean {
  return path === where || path.endsWith(`/${id}`);
}
