/**
 * `strictkv checkpoint DIR TARGET`: a consistent copy of a database that no process has open for writing; `db.checkpoint` makes one of
 * a database in use.
 *
 * The origin is opened for reading alone: not a byte of it changes, and whatever its log holds is in the copy.
 * Pinned by test/cli/checkpoint.test.ts.
 */
import { answer } from '../answer'
import type { Command } from '../command'
import { EXIT_DONE } from '../exit-codes'
import { bytesText, countOf, durationText } from '../figures'
import { argument } from '../invocation'
import { withDatabase } from '../open-database'

export const checkpointCommand: Command = {
  name: 'checkpoint',
  summary: 'copy a database, as it is now, to a new directory',
  positionals: ['DIR', 'TARGET'],
  options: [],
  help: {
    about: [
      'TARGET must not exist or be an empty directory. The copy is a database of its own, complete and on disk when the command ends; until then, and after Ctrl-C or a crash, TARGET is no database, and nothing opens it by mistake.',
      'On the same file system tables are hard links: the copy takes next to no time and space, and shares the disk blocks of its origin. Against the loss of that disk give a TARGET on another one: there everything is copied.',
      'What is damaged is damaged in the copy: "strictkv verify TARGET" says whether it is sound.',
      'A database that a process has open is copied by that process, with db.checkpoint(TARGET), while it goes on working; this command refuses it with exit code 3.',
    ],
    examples: [
      { want: 'a copy to try something on', line: 'strictkv checkpoint ./data ./copy' },
      { want: 'a backup on another disk', line: 'strictkv checkpoint ./data /mnt/backup/2024-05-17' },
    ],
  },
  run: async (invocation) => {
    const [directory, target] = [argument(invocation, 0), argument(invocation, 1)]
    const startMs = performance.now()
    const { signal } = invocation.terminal
    const receipt = await withDatabase(invocation, { directory, readOnly: true }, (db) =>
      db.checkpoint(target, { signal }),
    )
    const ms = performance.now() - startMs
    const { sequence, tables, bytesLinked, bytesCopied } = receipt
    answer(invocation, { target, sequence, tables, bytesLinked, bytesCopied, ms: Math.round(ms) }, [
      `${target} has everything through commit ${sequence}`,
      `${countOf(tables, 'table')}: ${bytesText(bytesLinked)} linked, ${bytesText(bytesCopied)} copied, in ${durationText(ms)}`,
    ])
    return EXIT_DONE
  },
}
