/**
 * The figures of a database as Prometheus reads them: the text exposition format, version 0.0.4.
 *
 *   # HELP strictkv_level_bytes Size of the tables of a level.
 *   # TYPE strictkv_level_bytes gauge
 *   strictkv_level_bytes{level="0"} 4096
 *
 * 1. A metric is a row of the table below: name, type, help, and how its samples are read from `db.stats()`.
 * 2. Names begin with `strictkv_` and end with their unit, in base units (seconds, bytes); those of counters with `_total`.
 * 3. Labels have few values, all of them ours: levels, parts of memory, causes. Nothing that an application has named is one: it may
 *    name each of its transactions otherwise, and Prometheus keeps a series for every name there ever was.
 *
 * What it does not do: serve it. An application gives the text to whoever asks, as `text/plain; version=0.0.4`.
 * Pinned by test/unit/kv/prometheus-text.test.ts.
 */
import type { DatabaseStats } from './database-stats'
import { MEMORY_PARTS } from './database-stats'
import type { DurationStats, LevelStats } from './storage-stats'

/** A value, and what it is of. */
interface Sample {
  /** Appended to the metric's name: that of a summary's sum and count. */
  readonly suffix?: string
  readonly labels?: readonly (readonly [name: string, value: string])[]
  readonly value: number
}

interface Metric {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'summary'
  readonly help: string
  readonly read: (stats: DatabaseStats) => readonly Sample[]
}

/** `stats` in the text format of Prometheus. */
export function prometheusText(stats: DatabaseStats): string {
  return METRICS.map((metric) => metricText(metric, metric.read(stats))).join('')
}

function metricText({ name, type, help }: Metric, samples: readonly Sample[]): string {
  const lines = samples.map(({ suffix = '', labels = [], value }) => `${name}${suffix}${labelText(labels)} ${valueText(value)}\n`) // prettier-ignore
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`
}

function labelText(labels: readonly (readonly [string, string])[]): string {
  if (labels.length === 0) return ''
  return `{${labels.map(([name, value]) => `${name}="${value}"`).join(',')}}`
}

function valueText(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  return String(value)
}

type Read = (stats: DatabaseStats) => number

function counter(name: string, help: string, read: Read): Metric {
  return { name: `strictkv_${name}_total`, type: 'counter', help, read: (stats) => [{ value: read(stats) }] }
}

function gauge(name: string, help: string, read: Read): Metric {
  return { name: `strictkv_${name}`, type: 'gauge', help, read: (stats) => [{ value: read(stats) }] }
}

function perLevel(type: 'counter' | 'gauge', name: string, help: string, read: (level: LevelStats) => number): Metric {
  const suffix = type === 'counter' ? '_total' : ''
  const samples = ({ storage }: DatabaseStats): readonly Sample[] =>
    storage.levels.map((level, i) => ({ labels: [['level', String(i)]], value: read(level) }))
  return { name: `strictkv_level_${name}${suffix}`, type, help, read: samples }
}

/** Quantiles of recent ones, sum and count of all. */
function summary(name: string, help: string, read: (stats: DatabaseStats) => DurationStats): Metric {
  const samples = (stats: DatabaseStats): readonly Sample[] => {
    const { count, totalMs, medianMs, p99Ms, longestMs } = read(stats)
    return [
      { labels: [['quantile', '0.5']], value: seconds(medianMs) },
      { labels: [['quantile', '0.99']], value: seconds(p99Ms) },
      { labels: [['quantile', '1']], value: seconds(longestMs) },
      { suffix: '_sum', value: seconds(totalMs) },
      { suffix: '_count', value: count },
    ]
  }
  return { name: `strictkv_${name}`, type: 'summary', help, read: samples }
}

function perPart(name: string, help: string, read: 'bytes' | 'budgetBytes'): Metric {
  const samples = ({ memory }: DatabaseStats): readonly Sample[] =>
    MEMORY_PARTS.map((part) => ({ labels: [['part', part]], value: memory.parts[part][read] }))
  return { name: `strictkv_${name}`, type: 'gauge', help, read: samples }
}

const KINDS = ['transaction', 'snapshot'] as const

/** Of the one that reads at the oldest sequence. */
function perKind(name: string, help: string): Metric {
  const samples = ({ transactions: { oldestReader } }: DatabaseStats): readonly Sample[] =>
    KINDS.map((kind) => ({
      labels: [['kind', kind]],
      value: oldestReader?.kind === kind ? oldestReader.commitsBehind : 0,
    }))
  return { name: `strictkv_${name}`, type: 'gauge', help, read: samples }
}

function seconds(ms: number): number {
  return ms / 1000
}

function flag(isSo: boolean): number {
  return isSo ? 1 : 0
}

const TRANSACTION_METRICS: readonly Metric[] = [
  counter('commits', 'Commits acknowledged.', (s) => s.transactions.commits),
  counter('aborts', 'Transactions that no strict serial order allowed.', (s) => s.transactions.aborts),
  counter('conservative_aborts', 'Of them those that bounded memory forced.', (s) => s.transactions.conservativeAborts),
  counter('deadlocks', 'Waits refused because they would never have ended.', (s) => s.transactions.deadlocks),
  counter('searches', 'Searches in the conflict graph.', (s) => s.transactions.searches),
  counter('search_visits', 'Nodes visited by them.', (s) => s.transactions.searchVisits),
  gauge('decided_sequence', 'The newest sequence decided.', (s) => s.transactions.decided),
  gauge('published_sequence', 'The newest sequence acknowledged.', (s) => s.transactions.published),
  gauge('retention_floor_sequence', 'The oldest sequence that somebody may still read.', (s) => s.transactions.retentionFloor), // prettier-ignore
  gauge('transactions_active', 'Transactions open.', (s) => s.transactions.transactionsActive),
  gauge('snapshots_active', 'Snapshots open.', (s) => s.transactions.snapshotsActive),
  gauge('loads_active', 'Bulk loads under way.', (s) => s.transactions.loadsActive),
  gauge('oldest_transaction_age_seconds', 'Age of the transaction that has been open for longest, 0 if none is.', (s) => seconds(s.transactions.oldestOpenTransaction?.ageMs ?? 0)), // prettier-ignore
  gauge('oldest_snapshot_age_seconds', 'Age of the snapshot that has been open for longest, 0 if none is.', (s) => seconds(s.transactions.oldestOpenSnapshot?.ageMs ?? 0)), // prettier-ignore
  perKind(
    'oldest_reader_commits_behind',
    'Commits decided since what the oldest reader sees, 0 of a kind that it is not.',
  ),
  gauge('conflict_nodes', 'Nodes of the conflict graph.', (s) => s.transactions.nodes),
  gauge('conflict_edges', 'Edges of the conflict graph.', (s) => s.transactions.edges),
  gauge('conflict_commits_retained', 'Commits that are not forgotten.', (s) => s.transactions.commitsRetained),
  gauge('conflict_commits_summarized', 'Of them those kept in summary.', (s) => s.transactions.commitsSummarized),
  gauge('conflict_point_reads', 'Registrations of readers of a key.', (s) => s.transactions.pointReads),
  gauge('conflict_range_reads', 'Registrations of readers of a range.', (s) => s.transactions.rangeReads),
  gauge('conflict_writes_retained', 'Writes of keys that are not forgotten.', (s) => s.transactions.retainedWrites),
  gauge('queued_keys', 'Keys that transactions hold or wait for.', (s) => s.transactions.queuedKeys),
]

const MEMORY_METRICS: readonly Metric[] = [
  perPart('memory_bytes', 'Memory in use, by part.', 'bytes'),
  perPart('memory_budget_bytes', 'Memory that limits and content let a part use.', 'budgetBytes'),
  gauge('arena_bytes', 'Of the memtables what is shared memory, beside the heap.', (s) => s.storage.arenaBytes),
]

const LOG_METRICS: readonly Metric[] = [
  gauge('log_segments', 'Segments of the log.', (s) => s.storage.logSegments),
  gauge('log_inline', '1 if commits are written on the calling thread.', (s) => flag(s.storage.log.mode === 'inline')),
  counter('log_commits', 'Commits written to the log.', (s) => s.storage.log.commits),
  counter('log_groups', 'Groups of commits written to the log.', (s) => s.storage.logGroups),
  counter('log_written_bytes', 'Bytes of frames written to the log.', (s) => s.storage.logBytesWritten),
  counter('log_prepared_bytes', 'Bytes of zeros written ahead.', (s) => s.storage.log.bytesPrepared),
  summary('log_write_seconds', 'What writing a frame took.', (s) => s.storage.log.writes),
  summary('log_sync_seconds', 'What syncing the log took.', (s) => s.storage.log.syncs),
  counter('log_reserve_waits', 'Commits that waited for room in the log.', (s) => s.storage.log.reserveWaits.count),
  counter('log_reserve_wait_seconds', 'How long they did.', (s) => seconds(s.storage.log.reserveWaits.totalMs)),
]

const TABLE_METRICS: readonly Metric[] = [
  gauge('memtable_entries', 'Versions that are in no table yet.', (s) => s.storage.memtableEntries),
  gauge('memtables_frozen', 'Memtables that wait for their flush.', (s) => s.storage.memtablesFrozen),
  perLevel('gauge', 'runs', 'Runs of a level.', (level) => level.runs),
  perLevel('gauge', 'tables', 'Tables of a level.', (level) => level.tables),
  perLevel('gauge', 'bytes', 'Size of the tables of a level.', (level) => level.bytes),
  perLevel('gauge', 'data_bytes', 'Keys and values in them.', (level) => level.dataBytes),
  perLevel('gauge', 'entries', 'Versions in them.', (level) => level.entries),
  perLevel('gauge', 'tombstones', 'Tombstones among those.', (level) => level.tombstones),
  perLevel('counter', 'read_bytes', 'Bytes that merges have read from a level.', (level) => level.bytesRead),
  perLevel('counter', 'written_bytes', 'Bytes that flushes and merges have written to a level.', (level) => level.bytesWritten), // prettier-ignore
  gauge('write_amplification_ratio', 'Bytes written to tables for each byte flushed.', (s) => s.storage.writeAmplification), // prettier-ignore
  gauge('read_amplification_runs', 'Runs that a lookup asks at most.', (s) => s.storage.readAmplification),
  gauge('space_amplification_ratio', 'Bytes of tables for each byte of rows in the last level.', (s) => s.storage.spaceAmplification), // prettier-ignore
  gauge('tables_obsolete', 'Tables kept for whoever reads them.', (s) => s.storage.tablesObsolete),
  gauge('tables_obsolete_bytes', 'Their size.', (s) => s.storage.obsoleteBytes),
  gauge('cursors', 'Cursors open.', (s) => s.storage.cursors),
  gauge('open_tables', 'Descriptors of tables open.', (s) => s.storage.openTables),
  counter('table_reopens', 'Tables opened again.', (s) => s.storage.tableReopens),
  counter('block_cache_hits', 'Blocks found in the cache.', (s) => s.storage.blockCache.hits),
  counter('block_cache_misses', 'Blocks not found in the cache.', (s) => s.storage.blockCache.misses),
  counter('block_reads', 'Blocks read from files.', (s) => s.storage.blockReads),
  counter('filter_checks', 'Questions to filters.', (s) => s.storage.filter.checks),
  counter('filter_negatives', 'Of them those answered: surely not.', (s) => s.storage.filter.negatives),
  counter('filter_false_positives', 'Of them those answered: perhaps, for a key that was not there.', (s) => s.storage.filter.falsePositives), // prettier-ignore
  {
    name: 'strictkv_index_tables',
    type: 'gauge',
    help: 'Tables, by how their blocks are found.',
    read: ({ storage: { index } }) => [
      { labels: [['mode', 'binary']], value: index.tablesBinary },
      { labels: [['mode', 'resident']], value: index.tablesResident },
      { labels: [['mode', 'lean']], value: index.tablesLean },
    ],
  },
  counter('model_hits', 'Searches that a model led to the block.', (s) => s.storage.index.modelHits),
  counter('model_fallbacks', 'Searches that a model led astray.', (s) => s.storage.index.modelFallbacks),
  counter('index_page_reads', 'Pages of indexes read from files.', (s) => s.storage.index.pageReads),
]

const STALL_KINDS = ['mergeDebt', 'memtables', 'levelZero'] as const
const STALL_LABELS = { mergeDebt: 'merge_debt', memtables: 'memtables', levelZero: 'level_zero' } as const

const WORK_METRICS: readonly Metric[] = [
  counter('flushes', 'Memtables flushed.', (s) => s.storage.flushes),
  counter('compactions', 'Merges and moves of tables done.', (s) => s.storage.compactions),
  gauge('background_inline', '1 if flushes and merges run on the calling thread.', (s) => flag(s.storage.worker === 'inline')), // prettier-ignore
  gauge('merge_debt_bytes', 'Flushing and merging that commits have granted and that is not done.', (s) => s.storage.mergeDebtBytes), // prettier-ignore
  {
    name: 'strictkv_stalls_total',
    type: 'counter',
    help: 'Waits of commits for background work, by cause.',
    read: ({ storage: { stalls } }) =>
      STALL_KINDS.map((kind) => ({ labels: [['cause', STALL_LABELS[kind]]], value: stalls.countByKind[kind] })),
  },
  counter('stall_seconds', 'How long they lasted.', (s) => seconds(s.storage.stalls.totalMs)),
  gauge('stall_longest_seconds', 'The longest of them.', (s) => seconds(s.storage.stalls.longestMs)),
  gauge('stalled', '1 while commits wait for background work.', (s) => flag(s.storage.stalls.cause !== undefined)),
  gauge('background_failing', '1 while background work fails.', (s) => flag(s.storage.backgroundError !== undefined)),
  gauge('poisoned', '1 if writes are refused until it is opened again.', (s) => flag(s.storage.poisoned !== undefined)),
  counter('listener_failures', 'Failures of the listener of the application.', (s) => s.events.listenerFailures),
]

const METRICS: readonly Metric[] = [
  ...TRANSACTION_METRICS,
  ...MEMORY_METRICS,
  ...LOG_METRICS,
  ...TABLE_METRICS,
  ...WORK_METRICS,
]
