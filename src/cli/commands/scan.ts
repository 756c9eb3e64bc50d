/** `strictkv scan DIR`: rows in order, one a line, all of one moment; it streams, so `| head` is cheap. */
import type { Database } from '../../index'
import { bytesToJson, bytesToTyped } from '../byte-text'
import type { Command, Invocation } from '../command'
import { EXIT_DONE } from '../exit-codes'
import { argument, countOption, flagOption } from '../invocation'
import { withDatabase } from '../open-database'
import { RANGE_OPTIONS, rangeBounds } from '../ranges'

/** Rows after which the output is waited for. */
const DRAIN_ROWS = 64

export const scanCommand: Command = {
  name: 'scan',
  summary: 'print rows in order',
  positionals: ['DIR'],
  options: [
    ...RANGE_OPTIONS,
    { name: 'limit', value: 'COUNT', about: 'at most so many rows' },
    { name: 'reverse', about: 'from the last key to the first' },
    { name: 'keys', about: 'keys alone' },
  ],
  help: {
    about: [
      'Prints a row as its key and its value, in quotes and escaped, with a tab between them. All rows are of one moment.',
    ],
    examples: [
      { want: 'everything', line: 'strictkv scan ./data' },
      { want: 'the ten newest of a log whose keys ascend', line: 'strictkv scan ./data --prefix log/ --reverse --limit 10' }, // prettier-ignore
      { want: 'how many users there are', line: 'strictkv scan ./data --prefix user/ --keys | wc -l' },
    ],
  },
  run: async (invocation) => {
    const options = {
      ...rangeBounds(invocation),
      limit: countOption(invocation, 'limit', { min: 0, max: Number.MAX_SAFE_INTEGER }),
      reverse: flagOption(invocation, 'reverse'),
    }
    const directory = argument(invocation, 0)
    await withDatabase(invocation, { directory, readOnly: true }, (db) => printRows(invocation, db, options))
    return EXIT_DONE
  },
}

async function printRows(
  invocation: Invocation,
  db: Database,
  options: Parameters<Database['scan']>[0],
): Promise<void> {
  const { json, terminal } = invocation
  const keysOnly = flagOption(invocation, 'keys')
  const rows = keysOnly ? rowsOfKeys(db.keys(options)) : db.scan(options)
  let printed = 0
  if (json) terminal.out('{"rows":[')
  for await (const [key, value] of rows) {
    terminal.signal.throwIfAborted()
    if (json) {
      const row = { key: bytesToJson(key), ...(value === undefined ? {} : { value: bytesToJson(value) }) }
      terminal.out(`${printed > 0 ? ',' : ''}${JSON.stringify(row)}`)
    } else {
      terminal.out(`${bytesToTyped(key)}${value === undefined ? '' : `\t${bytesToTyped(value)}`}\n`)
    }
    printed++
    // A few large values fill the output as well as many small ones.
    if (printed % DRAIN_ROWS === 0 || (value !== undefined && value.length > 64 * 1024)) await terminal.drained()
  }
  if (json) terminal.out(']}\n')
}

async function* rowsOfKeys(keys: AsyncIterable<Buffer>): AsyncGenerator<readonly [Buffer, undefined], undefined> {
  for await (const key of keys) yield [key, undefined]
  return undefined
}
