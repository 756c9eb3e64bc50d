/**
 * Verifies the tables of a store: each by itself and against what the manifest records of it, then all of them against each other.
 *
 * Pinned by test/unit/storage/inspect/verify-store.test.ts.
 */
import type { Runtime } from '../../runtime/runtime'
import { parseFileName, tableFileName } from '../files/file-names'
import { toProblem } from '../files/file-problem'
import type { ManifestState, TableRecord } from '../manifest/manifest-state'
import { BlockCache } from '../table/block-cache'
import type { TablePieces } from '../table/table-pieces'
import { TableStore } from '../table/table-store'
import { verifyTable } from '../table/table-verify'
import { verifyOrder } from './verify-order'
import type { Findings } from './verify-report'

/** Where the tables are. */
export interface TablesPlace {
  readonly runtime: Runtime
  readonly directory: string
}

/** Verifies the tables that a state names. */
export async function verifyTables(place: TablesPlace, state: ManifestState, findings: Findings): Promise<void> {
  const { runtime, directory } = place
  const sound: TableRecord[] = []
  for (const record of state.tables) {
    findings.tables++
    const name = tableFileName(record.number)
    const status = await runtime.files.status(runtime.files.join(directory, name))
    if (status?.kind !== 'file') {
      findings.damage(name, { offset: 0, length: 0, what: 'the manifest names it, but it is missing' })
      findings.file(name, 0, 'missing')
    } else if (await verifyOne(place, { name, number: record.number, record }, findings)) sound.push(record)
  }
  await verifyAgainstEachOther(place, { ...state, tables: sound }, findings)
}

/** Verifies every table of a directory without a manifest, each by itself. */
export async function verifyTablesAlone(
  place: TablesPlace,
  names: readonly string[],
  findings: Findings,
): Promise<void> {
  for (const name of names) {
    const file = parseFileName(name)
    if (file?.kind !== 'table') continue
    findings.tables++
    await verifyOne(place, { name, number: file.number, record: undefined }, findings)
  }
}

/** Verifies one table; whether it is sound. */
async function verifyOne(
  { runtime, directory }: TablesPlace,
  table: { readonly name: string; readonly number: number; readonly record: TableRecord | undefined },
  findings: Findings,
): Promise<boolean> {
  const { name, number, record } = table
  const path = runtime.files.join(directory, name)
  let isSound = true
  try {
    const file = await runtime.files.open(path, 'read')
    try {
      findings.file(name, await file.size(), 'sound')
      const loadedAt = record?.loadedAt
      const { pieces, entries } = await verifyTable({ file, fileNumber: number, loadedAt }, {
        count: findings.pace.count,
        damage: (problem) => {
          isSound = false
          findings.damage(name, problem)
        },
      }) // prettier-ignore
      findings.rows += entries
      if (record === undefined) findings.sequence = Math.max(findings.sequence, pieces.properties?.lastSequence ?? 0)
      const why = record === undefined ? undefined : contradiction(record, pieces)
      if (why === undefined) return isSound
      findings.damage(name, { offset: 0, length: 0, what: why })
    } finally {
      await file.close()
    }
  } catch (error) {
    findings.damage(name, toProblem(error, path, { offset: 0, length: 0 }))
  }
  return false
}

/** Why a table is not the one that the manifest records, as far as its sections can be read. */
export function contradiction(record: TableRecord, { fileBytes, properties }: TablePieces): string | undefined {
  if (properties === undefined) return undefined
  const { firstSequence, lastSequence, entries, bounds } = properties
  const pairs: readonly (readonly [string, unknown, unknown])[] = [
    ['bytes', record.fileBytes, fileBytes],
    ['entries', record.entries, entries],
    ['start', record.bounds.start, bounds.start],
    ['end', record.bounds.end, bounds.end],
    // Rows of a bulk load have their sequence from the manifest alone.
    ['first sequence', record.firstSequence, record.loadedAt ?? firstSequence],
    ['last sequence', record.lastSequence, record.loadedAt ?? lastSequence],
  ]
  const different = pairs.filter(([, one, other]) => one !== other).map(([name]) => name)
  if (different.length === 0) return undefined
  return `it is not the table that the manifest describes: it has another ${different.join(', ')}`
}

async function verifyAgainstEachOther(
  { runtime, directory }: TablesPlace,
  state: ManifestState,
  findings: Findings,
): Promise<void> {
  const cache = new BlockCache({ bytesMax: 0 })
  const tables = new TableStore(runtime, { directory, cache, onRemoveFailed: () => undefined })
  try {
    await tables.openAll(state)
    await verifyOrder(tables.current, {
      count: findings.pace.count,
      isSound: () => true,
      damage: (number, what) => findings.damage(tableFileName(number), { offset: 0, length: 0, what }),
    })
  } finally {
    await tables.close()
  }
}
