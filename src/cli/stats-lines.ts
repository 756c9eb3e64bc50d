/**
 * The figures of a database for people: levels, log, transactions, memory beside its budget. Of `strictkv stats` and of the shell.
 *
 * Pure. Pinned by test/cli/stats.test.ts and test/cli/shell/session.test.ts.
 */
import type { DatabaseStats, MemoryPartName } from '../index'
import { bytesText, countOf, countText, durationText } from './figures'

/** What `strictkv stats` and the shell's `stats` print. */
export function statsLines(stats: DatabaseStats): string[] {
  return [...levelLines(stats), ...logLines(stats), ...transactionLines(stats), ...memoryLines(stats)]
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

/** Nothing where nothing has gone on, as in a database that was just opened. */
function transactionLines({ transactions }: DatabaseStats): string[] {
  const { commits, aborts, conservativeAborts, deadlocks, transactionsActive, snapshotsActive, nodes, edges } =
    transactions
  const { pointReads, rangeReads } = transactions
  const lines: string[] = []
  if (commits + aborts + deadlocks > 0) {
    const conservative = conservativeAborts === 0 ? '' : ` (${countText(conservativeAborts)} conservative)`
    lines.push(
      `transactions: ${countOf(commits, 'commit')}, ${countOf(aborts, 'abort')}${conservative}, ${countOf(deadlocks, 'deadlock')}`,
    )
  }
  if (transactionsActive + snapshotsActive + nodes > 0) {
    lines.push(
      `open: ${countOf(transactionsActive, 'transaction')}, ${countOf(snapshotsActive, 'snapshot')}; conflict graph: ${countOf(nodes, 'node')}, ${countOf(edges, 'edge')}, ${countOf(pointReads, 'registered key')}, ${countOf(rangeReads, 'registered range')}`,
    )
  }
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
