/**
 * `strictkv stats DIR`: the figures of a database that is not open elsewhere, for people, programs, or Prometheus.
 *
 * It opens for reading and writes nothing. While it watches, it opens anew for each look, so that nobody is kept out in between; a
 * database that somebody has open just then is said to be, and looked at again.
 * Pinned by test/cli/stats.test.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { DatabaseLockedError, prometheusText } from '../../index'
import type { DatabaseStats, MemoryPartName } from '../../index'
import type { Json } from '../answer'
import { answer } from '../answer'
import { UsageError } from '../cli-errors'
import type { Command, Invocation } from '../command'
import { EXIT_DONE } from '../exit-codes'
import { bytesText, countOf, countText, durationText } from '../figures'
import { argument, countOption, flagOption } from '../invocation'
import { withDatabase } from '../open-database'

const WATCH_SECONDS_MAX = 86_400

export const statsCommand: Command = {
  name: 'stats',
  summary: 'show figures: levels, amplification, log, memory beside its budget',
  positionals: ['DIR'],
  options: [
    { name: 'watch', value: 'SECONDS', about: 'show them again every so many seconds, until Ctrl-C' },
    { name: 'prometheus', about: 'show them in the text format of Prometheus' },
  ],
  help: {
    about: [
      'Opens the database for reading and shows what it looks like: what lies in which level, what the log holds, and the memory it would take beside the budget that its limits allow. Counters begin with the opening, so they tell little here.',
      'An application shows its own figures with db.stats(), and gives Prometheus what prometheusText(db.stats()) returns: the same text as --prometheus.',
    ],
    examples: [
      { want: 'the figures of a database', line: 'strictkv stats ./data' },
      { want: 'all of them, for a program', line: 'strictkv stats ./data --json' },
      { want: 'every ten seconds', line: 'strictkv stats ./data --watch 10' },
      { want: 'for the collector of text files of Prometheus', line: 'strictkv stats ./data --prometheus' },
    ],
  },
  run: async (invocation) => {
    const seconds = countOption(invocation, 'watch', { min: 1, max: WATCH_SECONDS_MAX })
    if (flagOption(invocation, 'prometheus') && invocation.json) {
      throw new UsageError('Cannot show stats as JSON and for Prometheus at once: leave out --json or --prometheus')
    }
    const { signal } = invocation.terminal
    await show(invocation, false)
    while (seconds !== undefined) {
      await sleep(seconds * 1000, undefined, { signal }).catch(() => undefined)
      signal.throwIfAborted()
      await show(invocation, true)
    }
    return EXIT_DONE
  },
}

/** One look. */
async function show(invocation: Invocation, isAgain: boolean): Promise<void> {
  const directory = argument(invocation, 0)
  try {
    const stats = await withDatabase(invocation, { directory, readOnly: true }, (db) => Promise.resolve(db.stats()))
    if (flagOption(invocation, 'prometheus')) invocation.terminal.out(prometheusText(stats))
    else answer(invocation, toJson(stats), [...(isAgain ? [''] : []), ...statsLines(stats)])
  } catch (error) {
    if (!isAgain || !(error instanceof DatabaseLockedError)) throw error
    invocation.terminal.err(`strictkv: ${error.message}\n`)
  }
}

/** As JSON can say it: errors as their messages. */
function toJson(stats: DatabaseStats): Json {
  const text = JSON.stringify(stats, (_name, value: unknown) => (value instanceof Error ? value.message : value))
  return JSON.parse(text) as Json
}

function statsLines(stats: DatabaseStats): string[] {
  return [...levelLines(stats), ...logLines(stats), ...memoryLines(stats)]
}

function levelLines({ storage }: DatabaseStats): string[] {
  const rows = storage.levels.flatMap((level, number) => {
    if (level.tables === 0) return []
    const amplification = `space ${level.spaceAmplification.toFixed(2)}`
    return [[String(number), countText(level.runs), countText(level.tables), countText(level.entries), countText(level.tombstones), bytesText(level.bytes), amplification]] // prettier-ignore
  })
  const whole = `${countOf(storage.tables, 'table')}: space amplification ${storage.spaceAmplification.toFixed(2)}, at most ${countOf(storage.readAmplification, 'run')} a lookup` // prettier-ignore
  if (rows.length === 0) return ['no tables']
  return [whole, ...table([['level', 'runs', 'tables', 'versions', 'tombstones', 'size', ''], ...rows])]
}

function logLines({ storage, transactions }: DatabaseStats): string[] {
  const { log, stalls } = storage
  const lines = [
    '',
    `not in tables yet: ${countOf(storage.memtableEntries, 'version')}; published through commit ${countText(transactions.published)}`,
  ]
  if (log.commits > 0) {
    lines.push(`log: ${countOf(log.commits, 'commit')}, ${log.commitsPerSync.toFixed(1)} a sync, sync p99 ${durationText(log.syncs.p99Ms)}`) // prettier-ignore
  }
  if (stalls.count > 0) lines.push(`stalls: ${countText(stalls.count)}, the longest ${durationText(stalls.longestMs)}`)
  if (storage.backgroundError !== undefined) lines.push(`background work fails: ${storage.backgroundError.message}`)
  if (storage.poisoned !== undefined) lines.push(`poisoned: ${storage.poisoned.message}`)
  return lines
}

const PART_TEXTS: readonly (readonly [part: MemoryPartName, text: string])[] = [
  ['memtable', 'memtable'],
  ['memtablesFrozen', 'frozen memtables'],
  ['blockCache', 'block cache'],
  ['filters', 'filters'],
  ['indexes', 'indexes'],
  ['models', 'models'],
  ['tables', 'open tables'],
  ['log', 'log'],
  ['loads', 'bulk loads'],
  ['jobs', 'flushes, merges'],
  ['conflicts', 'conflict graph'],
]

function memoryLines({ memory }: DatabaseStats): string[] {
  const rows = PART_TEXTS.map(([part, text]) => [text, bytesText(memory.parts[part].bytes), bytesText(memory.parts[part].budgetBytes)]) // prettier-ignore
  return ['', ...table([['memory', 'now', 'at most'], ...rows, ['together', bytesText(memory.bytes), bytesText(memory.budgetBytes)]])] // prettier-ignore
}

/** Columns: the first to the left, the others to the right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  )
}
