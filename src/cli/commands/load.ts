/**
 * `strictkv load DIR [FILE]`: the rows of a dump into a database that is there, all of them or none; with --merge over what is there.
 */
import { InvalidArgumentError, loadDump, readDump } from '../../index'
import { answer } from '../answer'
import { CommandError, UsageError } from '../cli-errors'
import type { Command, Invocation } from '../command'
import { EXIT_DONE } from '../exit-codes'
import { bytesText, countOf, countText } from '../figures'
import { argument, flagOption } from '../invocation'
import { checkDatabase, withDatabase } from '../open-database'
import { startProgress } from '../progress'
import { counting, openInput } from '../streams'
import type { Input } from '../streams'

export const loadCommand: Command = {
  name: 'load',
  summary: 'read the rows of a dump into a database',
  positionals: ['DIR', '[FILE]'],
  options: [{ name: 'merge', about: 'write over what is there, a thousand rows at a time' }],
  help: {
    about: [
      'Reads what "strictkv dump" wrote, from FILE or from standard input, and loads it in one commit: all rows or none. There must be no keys yet between the first and the last one of the dump. What is wrong with a dump is said with line and column, and then nothing has been loaded; a FILE is read through once before the database is opened.',
      'With --merge rows are written over what is there, in any order, in transactions of up to a thousand rows: each is there whole or not at all, in the order of the dump. From standard input a bad line is met only after the rows before it were written; loading the mended dump again is harmless.',
      '"strictkv restore" makes a new database of a dump.',
    ],
    examples: [
      { want: 'load a dump', line: 'strictkv load ./data backup.dump' },
      { want: 'write its rows over those that are there', line: 'strictkv load ./data backup.dump --merge' },
      { want: 'from another database', line: 'strictkv dump ./data | strictkv load ./copy' },
    ],
  },
  run: async (invocation) => {
    const directory = argument(invocation, 0)
    const merge = flagOption(invocation, 'merge')
    checkDatabase(directory, 'strictkv restore makes a new database of a dump')
    await checkFirst(invocation, merge)
    const input = openInput(invocation.terminal, invocation.positionals[1])
    const progress = startLoading(invocation, input)
    let committed = 0
    try {
      const receipt = await withDatabase(invocation, { directory }, (db) =>
        loadDump(db, progress.chunks, {
          name: input.name,
          merge,
          onProgress: ({ rows }) => (committed = merge ? rows : 0),
        }),
      )
      progress.end()
      const { rows, bytes, sequence, checksum } = receipt
      answer(invocation, { rows, bytes, sequence, checksum }, [
        `loaded ${countOf(rows, 'row')}, ${bytesText(bytes)} of keys and values`,
      ])
      return EXIT_DONE
    } catch (error) {
      progress.end()
      if (!merge && isRangeTaken(error)) throw new UsageError(`${error.message}, and --merge writes over what is there`, { cause: error }) // prettier-ignore
      if (committed === 0) throw error
      const why = error instanceof Error ? error.message : String(error)
      throw new CommandError(`${why}; the first ${countText(committed)} rows have been written`, { cause: error })
    }
  },
}

/** Whether there is a key where a load would go, which --merge does not mind. */
function isRangeTaken(error: unknown): error is InvalidArgumentError {
  return error instanceof InvalidArgumentError && error.message.endsWith('load goes into an empty range')
}

/** The chunks of `input`, counted by a progress bar. */
export function startLoading(
  invocation: Invocation,
  input: Input,
): { readonly chunks: AsyncIterable<Uint8Array>; end(): void } {
  const progress = startProgress(invocation, { what: 'loading', unit: 'bytes' })
  return {
    chunks: counting(input.chunks, (bytes) => progress.update(bytes, input.bytes)),
    end: () => progress.end(),
  }
}

/** Reads a file through, so that a bad one changes nothing. What comes through a pipe can be read only once. */
async function checkFirst(invocation: Invocation, merge: boolean): Promise<void> {
  const input = openInput(invocation.terminal, invocation.positionals[1])
  if (input.bytes === undefined) return
  const progress = startProgress(invocation, { what: 'checking', unit: 'bytes' })
  const chunks = counting(input.chunks, (bytes) => progress.update(bytes, input.bytes))
  try {
    for await (const _row of readDump(chunks, { name: input.name, anyOrder: merge })) continue
  } finally {
    progress.end()
  }
}
