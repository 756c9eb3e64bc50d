/** `strictkv delete DIR KEY...`: deletes keys in one transaction, and says how many were there. */
import { answer } from '../answer'
import { bytesToJson, typedToKey } from '../byte-text'
import type { Command } from '../command'
import { EXIT_DONE } from '../exit-codes'
import { countOf } from '../figures'
import { argument } from '../invocation'
import { withDatabase } from '../open-database'

export const deleteCommand: Command = {
  name: 'delete',
  summary: 'delete keys',
  positionals: ['DIR', 'KEY', '[KEY...]'],
  options: [],
  help: {
    about: [
      'Deletes the keys in one transaction: all of them or none. A key that is not there is no mistake; the answer says how many were. The deletion is on disk when the command ends.',
    ],
    examples: [{ want: 'two keys', line: 'strictkv delete ./data alice bob' }],
  },
  run: async (invocation) => {
    const directory = argument(invocation, 0)
    const keys = invocation.positionals.slice(1).map((typed) => typedToKey(typed, 'KEY'))
    const deleted = await withDatabase(invocation, { directory }, (db) =>
      db.transact(async (tx) => {
        let present = 0
        for (const key of keys) {
          if (await tx.has(key)) present++
          tx.delete(key)
        }
        return present
      }),
    )
    answer(invocation, { keys: keys.map(bytesToJson), deleted }, [`deleted ${countOf(deleted, 'key')}`])
    return EXIT_DONE
  },
}
