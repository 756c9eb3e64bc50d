/**
 * `strictkv compact DIR`: does at once what happens by itself, piece by piece: everything into the last level, dead versions dropped.
 */
import type { Database } from '../../index'
import { answer } from '../answer'
import type { Command } from '../command'
import { EXIT_DONE } from '../exit-codes'
import { bytesText, countOf, durationText } from '../figures'
import { argument } from '../invocation'
import { withDatabase } from '../open-database'
import { RANGE_OPTIONS, rangeBounds } from '../ranges'

/** What a compaction changes. */
interface Figures {
  readonly tables: number
  readonly levels: number
  readonly bytes: number
  readonly entries: number
}

export const compactCommand: Command = {
  name: 'compact',
  summary: 'merge everything into the last level and drop what nobody can read any more',
  positionals: ['DIR'],
  options: RANGE_OPTIONS,
  help: {
    about: [
      'A database compacts itself while it is used. This does all of it at once: it needs as much free space as the database has, and leaves the least.',
      'With --from, --to or --prefix only what lies in that range. After Ctrl-C the database is as it was, but for merges that were finished.',
    ],
    examples: [
      { want: 'the whole database', line: 'strictkv compact ./data' },
      { want: 'where a million rows were just deleted', line: 'strictkv compact ./data --prefix session/' },
    ],
  },
  run: async (invocation) => {
    const bounds = rangeBounds(invocation)
    const directory = argument(invocation, 0)
    const startMs = performance.now()
    const { before, after } = await withDatabase(invocation, { directory }, async (db) => {
      await db.flush()
      const figuresBefore = figuresOf(db)
      await db.compact(bounds)
      return { before: figuresBefore, after: figuresOf(db) }
    })
    const took = performance.now() - startMs
    answer(invocation, { before: { ...before }, after: { ...after }, ms: Math.round(took) }, [
      `before: ${describeFigures(before)}`,
      `after:  ${describeFigures(after)}`,
      `took ${durationText(took)}`,
    ])
    return EXIT_DONE
  },
}

function figuresOf(db: Database): Figures {
  const { tables, levels } = db.stats().storage
  const filled = levels.filter((level) => level.tables > 0)
  const sum = (of: 'bytes' | 'entries'): number => filled.reduce((total, level) => total + level[of], 0)
  return { tables, levels: filled.length, bytes: sum('bytes'), entries: sum('entries') }
}

function describeFigures({ tables, levels, bytes, entries }: Figures): string {
  return `${bytesText(bytes)} with ${countOf(entries, 'version')} in ${countOf(tables, 'table')} of ${countOf(levels, 'level')}`
}
