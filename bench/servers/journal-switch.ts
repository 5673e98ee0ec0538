import type { Journal } from '../../src/generation/journal.js';

type Append = Journal['append'];

let kept: Append | undefined;

/**
 * Lets the Parley in this process keep no journal, so that what the journal costs can be measured; there is no such setting. The same
 * process with the same streams goes on either way. Loads nothing of Parley before it is asked: other servers have this code, too.
 */
export async function switchJournal(isOn: boolean): Promise<void> {
  const { Journal } = await import('../../src/generation/journal.js');
  const journals: { append: Append } = Journal.prototype;
  kept ??= journals.append;
  journals.append = isOn ? kept : () => undefined;
}
