/** The tree of tables and the lock for people. Pure; pinned by test/cli/inspect.test.ts. */
import type { LocksReport } from '../../storage/inspect/locks'
import type { TreeReport, TreeTable } from '../../storage/inspect/tree'
import { bytesText, countOf, countText } from '../figures'
import { rangeText, sequencesText, storeLines, troubleLines } from './inspect-text'

/** The lines of a tree. */
export function treeLines(report: TreeReport): readonly string[] {
  const { store, levels, damages, flushedThrough } = report
  // Without a manifest nobody knows which tables belong to it.
  const flushed = flushedThrough === undefined ? ' that are known' : `; what is newer than sequence ${flushedThrough} is in the log` // prettier-ignore
  return [
    ...storeLines(store),
    ...damages.flatMap(troubleLines),
    `${countOf(report.tables, 'table')}, ${bytesText(report.bytes)}, ${entriesText(report.entries)}${flushed}`,
    ...levels.flatMap(({ level, runs, tables, bytes, entries }) => [
      `level ${level}: ${countOf(runs.length, 'run')}, ${countOf(tables, 'table')}, ${bytesText(bytes)}, ${entriesText(entries)}`,
      ...runs.flatMap((run) => [
        `  run ${run.run}: ${countOf(run.tables.length, 'table')}, ${bytesText(run.bytes)}`,
        ...run.tables.map((table) => `    ${tableText(table)}`),
      ]),
    ]),
  ]
}

function tableText(table: TreeTable): string {
  const { number, bytes, entries, firstSequence, lastSequence, start, end, loadedAt, tablesBelow, bytesBelow } = table
  const loaded = loadedAt === undefined ? '' : ', bulk load'
  const below =
    tablesBelow === 0 ? '' : `; over ${countOf(tablesBelow, 'table')} (${bytesText(bytesBelow)}) of the next level`
  return `table ${number}: ${bytesText(bytes)}, ${entriesText(entries)}, ${sequencesText(firstSequence, lastSequence)}, ${rangeText(start, end)}${loaded}${below}`
}

function entriesText(entries: number): string {
  return entries === 1 ? '1 entry' : `${countText(entries)} entries`
}

/** The lines of a lock. */
export function lockLines({ store, file, what, owner, isHeld }: LocksReport): readonly string[] {
  const alive = owner?.isAlive === undefined ? [] : [`  process ${owner.pid} ${owner.isAlive ? 'is alive' : 'is not alive'} on this machine`] // prettier-ignore
  return [`${file ?? store.directory}: ${what}`, ...alive, ...(isHeld ? [] : ['  it can be opened'])]
}
