/**
 * The figures of a database for people: levels, log, what keeps commits waiting, how reads find their rows, transactions, memory beside
 * its budget. Of `strictkv stats` and of the shell.
 *
 * A line stands there only where there is something to tell; every figure is in `--json`.
 * Pure. Pinned by test/cli/stats.test.ts and test/cli/shell/session.test.ts.
 */
import type { DatabaseStats, MemoryPartName } from '../index'
import { bytesToTyped } from './byte-text'
import { bytesText, countOf, countText, durationText } from './figures'

/** The most characters of a label that are shown. */
const LABEL_CHARS_MAX = 60

/** What `strictkv stats` and the shell's `stats` print. */
export function statsLines(stats: DatabaseStats): string[] {
  return [
    ...levelLines(stats),
    '',
    ...logLines(stats),
    ...waitLines(stats),
    ...readLines(stats),
    ...transactionLines(stats),
    ...memoryLines(stats),
  ]
}

/** Shares of amplification stand under the words with which the first line begins to tell what they add up to. */
function levelLines({ storage }: DatabaseStats): string[] {
  // Of what was written before it was opened nothing is known: that is no amplification of 0.
  const hasWritten = storage.flushBytesWritten > 0
  const rows = storage.levels.flatMap((level, number) => {
    // One that a merge has emptied still has its share of what was written.
    if (level.tables === 0 && level.bytesWritten === 0) return []
    const content = [countText(level.runs), countText(level.tables), countText(level.entries), countText(level.tombstones)] // prettier-ignore
    const write = hasWritten ? level.writeAmplification.toFixed(2) : '-'
    const read = countText(level.readAmplification)
    return [[String(number), ...content, bytesText(level.bytes), write, read, level.spaceAmplification.toFixed(2)]]
  })
  if (storage.tables === 0) return ['no tables']
  const write = hasWritten ? `write ${storage.writeAmplification.toFixed(2)}, ` : ''
  const whole = `${write}read ${countText(storage.readAmplification)} (runs that a lookup asks at most), space ${storage.spaceAmplification.toFixed(2)}` // prettier-ignore
  const head = ['level', 'runs', 'tables', 'versions', 'tombstones', 'size', 'write', 'read', 'space']
  return [`${countOf(storage.tables, 'table')}; amplification: ${whole}`, ...table([head, ...rows])]
}

function logLines({ storage, transactions }: DatabaseStats): string[] {
  const { log } = storage
  const lines = [
    `not in tables yet: ${countOf(storage.memtableEntries, 'version')}; published through commit ${countText(transactions.published)}`,
  ]
  if (log.commits > 0) {
    lines.push(`log: ${countOf(log.commits, 'commit')}, ${log.commitsPerSync.toFixed(1)} a sync, sync p99 ${durationText(log.syncs.p99Ms)}`) // prettier-ignore
  }
  return lines
}

/** What keeps commits waiting, or has. */
function waitLines({ storage }: DatabaseStats): string[] {
  const { stalls, log, mergeDebtBytes, backgroundError, poisoned } = storage
  const { mergeDebt, memtables, levelZero } = stalls.countByKind
  const lines: string[] = []
  if (mergeDebtBytes > 0) lines.push(`merging owed: ${bytesText(mergeDebtBytes)}`)
  if (stalls.count > 0) {
    const kinds = listOf([[mergeDebt, 'for merging owed'], [memtables, 'for flushes'], [levelZero, 'for a full level 0']]) // prettier-ignore
    lines.push(`stalls: ${countText(stalls.count)}${kinds === '' ? '' : ` (${kinds})`}, ${waitText(stalls)}`)
  }
  if (stalls.cause !== undefined) lines.push(`commits wait now: ${stalls.cause}`)
  if (log.reserveWaits.count > 0) {
    lines.push(`waits for room in the log: ${countText(log.reserveWaits.count)}, ${waitText(log.reserveWaits)}`)
  }
  if (backgroundError !== undefined) lines.push(`background work fails: ${backgroundError.message}`)
  if (poisoned !== undefined) lines.push(`poisoned: ${poisoned.message}`)
  return lines
}

function waitText({ totalMs, longestMs }: { readonly totalMs: number; readonly longestMs: number }): string {
  return `${durationText(totalMs)} together, the longest ${durationText(longestMs)}`
}

/** How reads have found their rows. */
function readLines({ storage }: DatabaseStats): string[] {
  const { blockCache, filter, index } = storage
  const lines: string[] = []
  const lookups = blockCache.hits + blockCache.misses
  if (lookups > 0) {
    lines.push(`block cache: ${countText(blockCache.hits)} of ${countOf(lookups, 'lookup')} hit (${percentText(blockCache.hits / lookups)}), ${countOf(blockCache.blocks, 'block')}`) // prettier-ignore
  }
  if (filter.checks > 0) {
    const absent = filter.negatives + filter.falsePositives
    const passed = absent === 0 ? '' : `; of ${countOf(absent, 'key')} not there ${countText(filter.falsePositives)} passed (${percentText(filter.falsePositiveRate)})` // prettier-ignore
    lines.push(`filters: ${countOf(filter.checks, 'check')}${passed}`)
  }
  const modes = listOf([[index.tablesBinary, 'binary'], [index.tablesResident, 'resident'], [index.tablesLean, 'lean']]) // prettier-ignore
  if (modes === '') return lines
  const { modelHits, modelFallbacks, pageReads } = index
  const models = modelHits + modelFallbacks === 0 ? '' : `; models: ${countOf(modelHits, 'hit')}, ${countOf(modelFallbacks, 'fallback')}` // prettier-ignore
  const pages = pageReads === 0 ? '' : `; ${countOf(pageReads, 'index page')} read`
  return [...lines, `indexes: ${modes}${models}${pages}`]
}

/** As in "2 binary, 1 lean": those that there are. */
function listOf(counts: readonly (readonly [count: number, what: string])[]): string {
  return counts
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${countText(count)} ${what}`)
    .join(', ')
}

function percentText(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

/** Nothing where nothing has gone on, as in a database that was just opened. */
function transactionLines({ transactions, storage }: DatabaseStats): string[] {
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
  return [...lines, ...oldestReaderLines(transactions, storage)]
}

/** Who keeps old versions from being dropped, and what is kept on disk for readers. A label may be any text: it is printed as keys are. */
function oldestReaderLines(
  { oldestReader }: DatabaseStats['transactions'],
  { tablesObsolete, obsoleteBytes }: DatabaseStats['storage'],
): string[] {
  const lines: string[] = []
  if (oldestReader !== undefined) {
    const { kind, id, label, sequence, commitsBehind, ageMs } = oldestReader
    const name = label === undefined ? 'without a label' : bytesToTyped(Buffer.from(label), LABEL_CHARS_MAX)
    const who = [kind, ...(id === undefined ? [] : [String(id)]), name].join(' ')
    lines.push(`oldest reader: ${who}, at commit ${countText(sequence)}, ${countOf(commitsBehind, 'commit')} behind, open for ${durationText(ageMs)}`) // prettier-ignore
  }
  if (tablesObsolete > 0) lines.push(`kept for readers: ${countOf(tablesObsolete, 'table')} already merged, ${bytesText(obsoleteBytes)}`) // prettier-ignore
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
