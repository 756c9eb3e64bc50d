/**
 * Turns runs of bench:large and bench:open-loop into tables, and holds them against their targets. Pure.
 *
 * Pinned by test/unit/bench/long-report.test.ts.
 */
import type { Run } from './conductor'
import { cell, samplesOf, verdictTable } from './report'
import type { Table } from './report'
import { judge, metric } from './targets'
import type { Target } from './targets'

/** A metric with words around it. */
type Fact = readonly [title: string, metric: string, unit: string]

/** A column of a table: the case it is of. */
type Column = readonly [title: string, name: string]

const STREAM: readonly Fact[] = [
  ['commits of others', 'streamCommits', ''],
  ['their latency, p50', 'streamP50Ms', 'ms'],
  ['p99', 'streamP99Ms', 'ms'],
  ['p99.9', 'streamP999Ms', 'ms'],
  ['longest stall', 'streamMaxMs', 'ms'],
]
const LOOP: readonly Fact[] = [
  ['event-loop delay, p50', 'loopDelayP50Ms', 'ms'],
  ['event-loop delay, p99', 'loopDelayP99Ms', 'ms'],
  ['event-loop delay, max', 'loopDelayMaxMs', 'ms'],
]
const MEMORY: readonly Fact[] = [
  ['resident set, at first', 'rssFirstMiB', 'MiB'],
  ['resident set, peak', 'rssPeakMiB', 'MiB'],
  ['heap, at first', 'heapFirstMiB', 'MiB'],
  ['heap, peak', 'heapPeakMiB', 'MiB'],
  ['array buffers, at first', 'arrayBuffersFirstMiB', 'MiB'],
  ['array buffers, peak', 'arrayBuffersPeakMiB', 'MiB'],
]
const LOAD: readonly Fact[] = [
  ['rate', 'perSecond', 'rows/s'],
  ['time', 'seconds', 's'],
  ['until at rest', 'settleSeconds', 's'],
  ['processor time', 'cpuMicroseconds', 'us a row'],
  ['write amplification, tables', 'amplification', ''],
  ['write amplification, log', 'logAmplification', ''],
  ['flushes', 'flushes', ''],
  ['compactions', 'compactions', ''],
  ['waits for admission', 'stalls', ''],
  ['the longest of them', 'stallLongestMs', 'ms'],
  ['all of them', 'stallTotalMs', 'ms'],
]
const SPACE: readonly Fact[] = [
  ['tables', 'tableMiB', 'MiB'],
  ['tables, for a byte of live data', 'spaceOfLive', ''],
  ['number of tables', 'tables', ''],
  ['log', 'logMiB', 'MiB'],
  ['everything in the directory', 'directoryMiB', 'MiB'],
]
const READS: readonly Fact[] = [
  ['blocks looked into, key present', 'blocksPresent', 'a get'],
  ['of them read from files', 'blocksReadPresent', 'a get'],
  ['blocks looked into, key absent', 'blocksAbsent', 'a get'],
  ['of them read from files', 'blocksReadAbsent', 'a get'],
]
const OPENING: readonly Fact[] = [
  ['log', 'logMiB', 'MiB'],
  ['rows that only the log holds', 'logRows', ''],
  ['open', 'openMs', 'ms'],
  ['open, for 100 MiB of log', 'msPer100MiB', 'ms'],
]
const OPEN_LOOP: readonly Fact[] = [
  ['commits', 'perSecond', 'a second'],
  ['meant', 'meantPerSecond', 'a second'],
  ['time', 'seconds', 's'],
  ['under way, peak', 'inFlightPeak', ''],
  ['latency from the meant beginning, p50', 'p50Ms', 'ms'],
  ['p99', 'p99Ms', 'ms'],
  ['p99.9', 'p999Ms', 'ms'],
  ['max', 'maxMs', 'ms'],
  ['worst minute, p99', 'worstMinuteP99Ms', 'ms'],
  ['worst minute, p99.9', 'worstMinuteP999Ms', 'ms'],
  ['p99.9 besides a sync', 'besidesSyncP999Ms', 'ms'],
  ['waits for admission, events', 'stallEvents', ''],
  ['waits for admission, single commits', 'stalls', ''],
  ['the longest of them', 'stallLongestMs', 'ms'],
  ['commits for a sync', 'commitsPerSync', ''],
  ['flushes', 'flushes', ''],
  ['compactions', 'compactions', ''],
  ['aborted and begun again', 'aborts', ''],
]
const PROBE: readonly Fact[] = [
  ['4 KiB + fdatasync beside it, p50', 'syncP50Ms', 'ms'],
  ['p99', 'syncP99Ms', 'ms'],
  ['p99.9', 'syncP999Ms', 'ms'],
  ['max', 'syncMaxMs', 'ms'],
]

/** What a large store has to reach. */
export const LARGE_TARGETS: readonly Target[] = [
  target('write amplification, the log apart', 'load', 'amplification', {
    text: 'bytes in tables for a byte',
    atMost: 10,
  }),
  target('space at rest', 'load', 'spaceOfLive', { text: 'bytes in tables for a byte of live data', atMost: 1.15 }),
  target('open after kill -9', 'crashed', 'msPer100MiB', { text: 'ms for 100 MiB of log', atMost: 1000 }),
  target('open after close', 'clean', 'openMs', { text: 'ms', atMost: 1000 }),
  target('get of a key that is there', 'reads', 'blocksPresent', { text: 'data blocks', atMost: 1.05 }),
  target('get of a key that is not', 'reads', 'blocksAbsent', { text: 'data blocks', atMost: 0.05 }),
  target('event-loop delay while loading', 'load', 'loopDelayP99Ms', { text: 'ms, p99', atMost: 10 }),
  target('event-loop delay while compacting', 'compact', 'loopDelayP99Ms', { text: 'ms, p99', atMost: 10 }),
]

/** What commits have to reach under a steady load. */
export const OPEN_LOOP_TARGETS: readonly Target[] = [
  target('waits for storage, the sync apart', 'open-loop', 'stallLongestMs', { text: 'ms, the longest', atMost: 10 }),
  target('p99.9 of a commit besides the sync', 'open-loop', 'besidesSyncP999Ms', { text: 'ms; aim 1', atMost: 5 }),
  target('event-loop delay', 'open-loop', 'loopDelayP99Ms', { text: 'ms, p99; aim 2', atMost: 10 }),
]

function target(
  name: string,
  of: string,
  key: string,
  goal: { readonly text: string; readonly atMost: number },
): Target {
  return { name, alternatives: [[metric(of, key, goal)]] }
}

/** Everything worth printing of bench:large, in order. */
export function largeTablesOf(run: Run): Table[] {
  const watched: readonly Column[] = [
    ['while loading', 'load'],
    ['while compacting all of it', 'compact'],
  ]
  const compacting: readonly Fact[] = [['time', 'seconds', 's'], ['written', 'writtenMiB', 'MiB']] // prettier-ignore
  return present([
    factTable(run, 'Load, in random order', [['figure', 'load']], LOAD),
    factTable(run, 'On disk, at rest', [['figure', 'load']], SPACE),
    factTable(run, 'Data blocks', [['figure', 'reads']], READS),
    factTable(run, 'Opening', [['after close', 'clean'], ['after kill -9', 'crashed']], OPENING), // prettier-ignore
    factTable(run, 'Compacting all of it', [['figure', 'compact']], compacting),
    factTable(run, 'What others notice', watched, [...STREAM, ...LOOP]),
    factTable(run, 'Memory of the process', watched, MEMORY),
    verdictTable(judge(run, LARGE_TARGETS)),
  ])
}

/** Everything worth printing of bench:open-loop, in order. */
export function openLoopTablesOf(run: Run): Table[] {
  const background: readonly Fact[] = [
    ['flushes', 'flushes', ''],
    ['compactions', 'compactions', ''],
  ]
  const capacity: readonly Fact[] = [
    ...OPEN_LOOP.slice(0, 1),
    ['p50', 'p50Ms', 'ms'],
    ...OPEN_LOOP.slice(5, 8),
    ...background,
  ]
  return present([
    factTable(run, 'Capacity, closed loop of 64 clients', [['figure', 'capacity']], capacity),
    factTable(run, 'Open loop', [['figure', 'open-loop']], OPEN_LOOP),
    factTable(run, 'What a sync takes in the same minutes', [['figure', 'open-loop']], PROBE),
    factTable(run, 'The process', [['figure', 'open-loop']], [...LOOP, ...MEMORY]),
    verdictTable(judge(run, OPEN_LOOP_TARGETS)),
  ])
}

function present(tables: readonly Table[]): Table[] {
  return tables.filter(({ rows }) => rows.length > 0)
}

function factTable(run: Run, title: string, columns: readonly Column[], facts: readonly Fact[]): Table {
  const rows = facts.flatMap(([what, name, unit]) => {
    const cells = columns.map(([, of]) => cell(samplesOf(run, of), name))
    if (cells.every((text) => text === '')) return []
    return [[what, ...cells.map((text) => (text === '' ? '-' : `${text} ${unit}`.trim()))]]
  })
  return { title, heads: ['what', ...columns.map(([head]) => head)], rows }
}
