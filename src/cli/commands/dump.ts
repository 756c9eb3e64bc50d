/**
 * `strictkv dump DIR [FILE]`: a database, or a range of it, as portable text, read at one snapshot.
 *
 * To standard output it streams; a file appears under its name only once it is whole and synced.
 */
import { dump } from '../../index'
import type { Database } from '../../index'
import { answer } from '../answer'
import { UsageError } from '../cli-errors'
import type { Command, Invocation } from '../command'
import type { ExitCode } from '../exit-codes'
import { EXIT_DONE } from '../exit-codes'
import { bytesText, countOf } from '../figures'
import { argument } from '../invocation'
import { withDatabase } from '../open-database'
import { startProgress } from '../progress'
import type { Progress } from '../progress'
import { RANGE_OPTIONS, rangeBounds } from '../ranges'
import { writeNewFile } from '../streams'

export const dumpCommand: Command = {
  name: 'dump',
  summary: 'write all rows as portable text',
  positionals: ['DIR', '[FILE]'],
  options: RANGE_OPTIONS,
  help: {
    about: [
      'Writes one row a line: ["key","value"], bytes that are no plain text as {"hex":"..."}, with a first line that names the format and a last one with the number of rows and their checksum, so that a cut file is noticed. All rows are of one moment.',
      'FILE must not exist yet; without FILE, or with -, rows go to standard output. "strictkv load" and "strictkv restore" read it back.',
    ],
    examples: [
      { want: 'a backup as a file', line: 'strictkv dump ./data backup.dump' },
      { want: 'compressed', line: 'strictkv dump ./data | gzip > backup.dump.gz' },
      { want: 'copy a part of one database into another', line: 'strictkv dump ./data --prefix user/ | strictkv load ./other' }, // prettier-ignore
    ],
  },
  run: async (invocation) => {
    const [, file = '-'] = invocation.positionals
    if (invocation.json && file === '-') {
      throw new UsageError('Cannot dump to standard output with --json, which is for the answer: name a file')
    }
    const bounds = rangeBounds(invocation)
    const directory = argument(invocation, 0)
    const progress = startProgress(invocation, { what: 'dumping', unit: 'rows' })
    try {
      return await withDatabase(invocation, { directory, readOnly: true }, (db) =>
        dumpTo(invocation, db, { file, bounds, progress }),
      )
    } finally {
      progress.end()
    }
  },
}

interface Target {
  readonly file: string
  readonly bounds: ReturnType<typeof rangeBounds>
  readonly progress: Progress
}

async function dumpTo(invocation: Invocation, db: Database, target: Target): Promise<ExitCode> {
  const { terminal } = invocation
  let [rows, bytes] = [0, 0]
  const chunks = dump(db, {
    ...target.bounds,
    onProgress: (progress) => {
      rows = progress.rows
      bytes = progress.bytes
      target.progress.update(rows)
    },
  })
  if (target.file === '-') {
    for await (const chunk of chunks) {
      terminal.signal.throwIfAborted()
      terminal.out(chunk)
      await terminal.drained()
    }
    return EXIT_DONE
  }
  await writeNewFile(target.file, chunks, terminal.signal)
  target.progress.end()
  answer(invocation, { file: target.file, rows, bytes }, [
    `${target.file}: ${countOf(rows, 'row')}, ${bytesText(bytes)} of keys and values`,
  ])
  return EXIT_DONE
}
