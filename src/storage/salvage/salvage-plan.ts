/**
 * Which tables and segments a salvage reads: what the manifest says, as far as it can be believed.
 *
 *   whole     the manifest reads to its end, and everything it names is there: its tables and its segments, nothing else
 *   suspect   an edit may be missing (one is damaged, a file that is named is gone, a segment has commits and no name): what any
 *             intact edit names and none has dropped, and the *strays*, tables that no edit knows
 *   lost      no manifest: every table and every segment
 *
 * A stray may be the newest table, or an input of a merge that was on its way out. Its versions cannot win wrongly, for sequences
 * decide; but a key whose tombstone that merge has dropped is back with it. So each stray is a doubt over its range. A table that an
 * intact edit has removed is never read: numbers are not used twice. Decision 0020.
 *
 * Pinned by test/unit/storage/salvage/salvage.test.ts.
 */
import type { Runtime } from '../../runtime/runtime'
import { CURRENT_FILE, manifestFileName, tableFileName } from '../files/file-names'
import { toProblem } from '../files/file-problem'
import { readWholeFile } from '../files/whole-file'
import { numbersOf } from '../inspect/verify-store'
import { segmentFileName } from '../log/log-format'
import { SegmentScan } from '../log/segment-scan'
import { readCurrent } from '../manifest/manifest-current'
import { gatherState, scanManifest, tablesOfEdits } from '../manifest/manifest-scan'
import type { ManifestScan } from '../manifest/manifest-scan'
import { createManifestState } from '../manifest/manifest-state'
import type { ManifestState, TableRecord } from '../manifest/manifest-state'
import { databaseMarkOf } from '../manifest/database-mark'
import type { Losses, SalvageReport } from './salvage-report'

/** A table that is read. */
export interface PlannedTable {
  readonly number: number
  /** What the manifest says of it; undefined for a stray. */
  readonly record: TableRecord | undefined
}

/** What is read. */
export interface SalvagePlan {
  readonly standing: SalvageReport['manifest']
  /** What is known of the store; a new one's where nothing is. */
  readonly state: ManifestState
  readonly tables: readonly PlannedTable[]
  readonly segments: readonly number[]
  readonly databaseMark: number | undefined
}

/** Decides from what is readable of CURRENT, manifests and names. */
export async function planSalvage(
  runtime: Runtime,
  directory: string,
  options: { readonly names: readonly string[]; readonly losses: Losses },
): Promise<SalvagePlan> {
  return new Planning(runtime, directory, options.names, options.losses).run()
}

interface Found {
  readonly name: string
  readonly scan: ManifestScan
  /** CURRENT could not be read, and it was found without it. */
  readonly isGuessed: boolean
  /** A newer manifest cannot be read. */
  readonly isStale: boolean
}

class Planning {
  readonly #runtime: Runtime
  readonly #directory: string
  readonly #names: readonly string[]
  readonly #losses: Losses

  constructor(runtime: Runtime, directory: string, names: readonly string[], losses: Losses) {
    this.#runtime = runtime
    this.#directory = directory
    this.#names = names
    this.#losses = losses
  }

  async run(): Promise<SalvagePlan> {
    const found = await this.#manifest()
    return found === undefined ? this.#lost() : this.#known(found)
  }

  #lost(): SalvagePlan {
    this.#losses.doubt({
      file: CURRENT_FILE,
      what:
        'no manifest can be read: which tables there were is unknown, so some may be missing without a trace, and keys that ' +
        'were deleted may be back',
    })
    const tables = numbersOf(this.#names, 'table').map((number) => ({ number, record: undefined }))
    const segments = numbersOf(this.#names, 'segment')
    return { standing: 'lost', state: createManifestState(), tables, segments, databaseMark: undefined }
  }

  async #known(found: Found): Promise<SalvagePlan> {
    const { scan, name } = found
    const state = gatherState(scan.edits)
    const { removed } = tablesOfEdits(scan.edits)
    const named = new Set(state.tables.map(({ number }) => number))
    const present = new Set(numbersOf(this.#names, 'table'))
    const strays = [...present].filter((number) => !named.has(number) && !removed.has(number))
    const segments = await this.#segments(state)
    const gone = state.tables.filter(({ number }) => !present.has(number))
    const isWhole = scan.isWhole && !found.isStale && gone.length === 0 && segments.isAsNamed && !(found.isGuessed && strays.length > 0) // prettier-ignore
    for (const record of gone) this.#gone(record)
    if (!scan.isWhole || found.isStale) {
      const what = 'an edit of the manifest may be lost: a table that it alone named, if that is gone too, is missing without a trace, and keys that were deleted may be back' // prettier-ignore
      this.#losses.doubt({ file: name, what })
    }
    const tables: PlannedTable[] = state.tables.filter(({ number }) => present.has(number)).map((record) => ({ number: record.number, record })) // prettier-ignore
    if (!isWhole) for (const number of strays) tables.push({ number, record: undefined })
    else
      for (const number of strays)
        this.#losses.note(tableFileName(number), 'an orphan, not read: no edit of the manifest names it')
    return {
      standing: isWhole ? 'whole' : 'suspect',
      state,
      tables,
      segments: segments.numbers,
      databaseMark: databaseMarkOf(state),
    }
  }

  #gone(record: TableRecord): void {
    const { number, fileBytes: length, bounds: range, firstSequence: first, lastSequence: last } = record
    const what = 'the manifest names this table, but it is missing'
    this.#losses.lose({ file: tableFileName(number), length, what, range, sequences: { first, last } })
  }

  /** Those that the manifest names and that are there, and those with commits that it does not name. */
  async #segments(state: ManifestState): Promise<{ numbers: readonly number[]; isAsNamed: boolean }> {
    const present = numbersOf(this.#names, 'segment')
    const numbers: number[] = []
    let isAsNamed = true
    for (const number of state.segments) {
      if (present.includes(number)) numbers.push(number)
      else isAsNamed = false
    }
    for (const number of present) {
      if (number < state.firstSegment || state.segments.includes(number)) continue
      if (!(await this.#hasCommits(number, databaseMarkOf(state)))) continue
      numbers.push(number)
      isAsNamed = false
    }
    return { numbers: numbers.sort((a, b) => a - b), isAsNamed }
  }

  async #hasCommits(number: number, mark: number | undefined): Promise<boolean> {
    const path = this.#runtime.files.join(this.#directory, segmentFileName(number))
    const scan = await SegmentScan.open(this.#runtime, path, { number, mark })
    try {
      for (let frame = await scan.next(); frame !== undefined; frame = await scan.next()) {
        if (frame.header.commits > 0) return true
      }
      return false
    } finally {
      await scan.close()
    }
  }

  /** The manifest in force; without CURRENT the newest one, which is complete before it is in force, and all it names durable. */
  async #manifest(): Promise<Found | undefined> {
    const named = await this.#current()
    const numbers = named === undefined ? numbersOf(this.#names, 'manifest').reverse() : [named]
    for (const [i, number] of numbers.entries()) {
      const name = manifestFileName(number)
      const scan = await this.#scan(number)
      if (scan !== undefined && scan.edits.length > 0) {
        for (const { offset, what } of scan.problems) this.#losses.note(name, `damaged at byte ${offset}: ${what}`)
        return { name, scan, isGuessed: named === undefined, isStale: i > 0 }
      }
      this.#losses.note(name, 'nothing of this manifest can be read')
    }
    return undefined
  }

  async #current(): Promise<number | undefined> {
    try {
      const number = await readCurrent(this.#runtime, this.#directory)
      if (number === undefined) this.#losses.note(CURRENT_FILE, 'it is missing')
      return number
    } catch (error) {
      this.#losses.note(CURRENT_FILE, toProblem(error, CURRENT_FILE, { offset: 0, length: 0 }).what)
      return undefined
    }
  }

  async #scan(number: number): Promise<ManifestScan | undefined> {
    const path = this.#runtime.files.join(this.#directory, manifestFileName(number))
    try {
      return scanManifest(await readWholeFile(this.#runtime, path), number, path)
    } catch (error) {
      this.#losses.note(manifestFileName(number), toProblem(error, path, { offset: 0, length: 0 }).what)
      return undefined
    }
  }
}
