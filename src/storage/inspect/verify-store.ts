/**
 * Verifies a database that nobody has open, and changes nothing: every file, and what the files say of each other.
 *
 *   lock, shared -> CURRENT -> manifest -> each table by itself -> tables against each other -> log -> what nothing refers to
 *
 * It goes on behind damage as far as it can tell: without CURRENT with the newest manifest that can be read, without any manifest with
 * the files by themselves. What it does not do: repair (salvage/salvage.ts).
 *
 * Not covered, for nothing depends on it: what LOCK and RESERVE hold, orphans, files of others, and how many zeros a segment of the
 * log has behind its end. Pinned by test/unit/storage/inspect/verify-store.test.ts and test/crash/bit-flip.test.ts.
 */
import { InvalidArgumentError, StrictKvError } from '../../base/errors'
import type { Sequence } from '../../base/sequence'
import type { VerifyOptions, VerifyReport } from '../../base/verification'
import type { Runtime } from '../../runtime/runtime'
import { CURRENT_FILE, manifestFileName, parseFileName, tableFileName } from '../files/file-names'
import { toProblem } from '../files/file-problem'
import { readWholeFile } from '../files/whole-file'
import { SegmentScan } from '../log/segment-scan'
import { readCurrent } from '../manifest/manifest-current'
import { parseManifest } from '../manifest/manifest-reader'
import { gatherState, scanManifest } from '../manifest/manifest-scan'
import type { ManifestScan } from '../manifest/manifest-scan'
import type { ManifestState } from '../manifest/manifest-state'
import { orphans } from '../manifest/store-directory'
import { databaseMarkOf } from '../manifest/database-mark'
import { verifyLog } from './verify-log'
import type { LogFindings } from './verify-log'
import { Findings, Pace } from './verify-report'
import { verifyTables, verifyTablesAlone } from './verify-tables'

/**
 * Verifies the store in `directory`. Throws `InvalidArgumentError` where there is none, `DatabaseLockedError`, `AbortedError`; of
 * damage it tells.
 */
export async function verifyStore(
  runtime: Runtime,
  directory: string,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const names = await storeNames(runtime, directory, 'verify')
  const lock = await runtime.files.lock(directory, 'shared')
  try {
    const findings = new Findings(new Pace(runtime, `verifying ${directory}`, options))
    await new StoreCheck(runtime, directory, findings).run(names)
    return findings.finish()
  } finally {
    await lock?.release()
  }
}

/** The names in a directory that holds a store, be it damaged. Throws `InvalidArgumentError`. */
export async function storeNames(runtime: Runtime, directory: string, verb: string): Promise<readonly string[]> {
  const status = await runtime.files.status(directory)
  if (status?.kind !== 'directory') {
    const why = status === undefined ? 'there is no such directory' : 'it is no directory'
    throw new InvalidArgumentError(`Cannot ${verb} ${directory}: ${why}`)
  }
  const names = await runtime.files.list(directory)
  const kinds = names.map((name) => parseFileName(name)?.kind)
  if (kinds.some((kind) => kind === 'current' || kind === 'manifest' || kind === 'table' || kind === 'segment'))
    return names
  throw new InvalidArgumentError(`Cannot ${verb} ${directory}: it holds no database`)
}

/** The manifest that counts. */
interface FoundManifest {
  readonly number: number
  readonly scan: ManifestScan
}

class StoreCheck {
  readonly #runtime: Runtime
  readonly #directory: string
  readonly #findings: Findings

  constructor(runtime: Runtime, directory: string, findings: Findings) {
    this.#runtime = runtime
    this.#directory = directory
    this.#findings = findings
  }

  async run(names: readonly string[]): Promise<void> {
    await this.#expectBytes(names)
    const manifest = await this.#manifest(names)
    const state = manifest === undefined ? undefined : gatherState(manifest.scan.edits)
    if (manifest === undefined || state === undefined || manifest.scan.state === undefined) {
      await verifyTablesAlone({ runtime: this.#runtime, directory: this.#directory }, names, this.#findings)
      for (const name of names) if (parseFileName(name)?.kind === 'segment') await this.#segmentAlone(name)
      return
    }
    await verifyTables({ runtime: this.#runtime, directory: this.#directory }, state, this.#findings)
    const log = await verifyLog(
      this.#runtime,
      { directory: this.#directory, state, databaseMark: databaseMarkOf(state) },
      this.#findings,
    )
    this.#sequences(state, log)
    await this.#unused(names, state, manifest.number)
  }

  async #expectBytes(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const kind = parseFileName(name)?.kind
      if (kind !== 'manifest' && kind !== 'table' && kind !== 'segment') continue
      const status = await this.#runtime.files.status(this.#path(name))
      this.#findings.pace.bytesTotal += status?.size ?? 0
    }
  }

  /** The manifest in force, or, without CURRENT, the newest one of which something can be read. */
  async #manifest(names: readonly string[]): Promise<FoundManifest | undefined> {
    const named = await this.#current()
    const numbers = named === undefined ? numbersOf(names, 'manifest').reverse() : [named]
    for (const number of numbers) {
      const scan = await this.#scan(number)
      if (scan !== undefined && (named !== undefined || scan.state !== undefined)) return { number, scan }
    }
    return undefined
  }

  async #current(): Promise<number | undefined> {
    try {
      const number = await readCurrent(this.#runtime, this.#directory)
      const status = await this.#runtime.files.status(this.#path(CURRENT_FILE))
      this.#findings.file(CURRENT_FILE, status?.size ?? 0, number === undefined ? 'missing' : 'sound')
      if (number === undefined) this.#damage(CURRENT_FILE, 'it is missing: it names the manifest in force')
      return number
    } catch (error) {
      this.#findings.damage(CURRENT_FILE, toProblem(error, this.#path(CURRENT_FILE), { offset: 0, length: 0 }))
      this.#findings.file(CURRENT_FILE, 0, 'damaged')
      return undefined
    }
  }

  async #scan(number: number): Promise<ManifestScan | undefined> {
    const name = manifestFileName(number)
    const path = this.#path(name)
    if ((await this.#runtime.files.status(path)) === undefined) {
      this.#damage(name, 'CURRENT names it, but it is missing')
      this.#findings.file(name, 0, 'missing')
      return undefined
    }
    try {
      const bytes = await readWholeFile(this.#runtime, path)
      this.#findings.file(name, bytes.length, 'sound')
      const rest = this.#findings.pace.count(bytes.length)
      if (rest !== undefined) await rest
      const scan = scanManifest(bytes, number, path)
      for (const problem of scan.problems) this.#findings.damage(name, problem)
      const what = 'an edit that was being written when the database was killed, never in force'
      if (scan.tornAt !== undefined) this.#findings.note(name, { offset: scan.tornAt, length: 0, what })
      // Whatever opening refuses is damage.
      if (scan.problems.length === 0) parseManifest(bytes, number, path)
      return scan
    } catch (error) {
      this.#findings.damage(name, toProblem(error, path, { offset: offsetOf(error), length: 0 }))
      return undefined
    }
  }

  async #segmentAlone(name: string): Promise<void> {
    const number = parseFileName(name)!.number
    const scan = await SegmentScan.open(this.#runtime, this.#path(name), { number, mark: undefined })
    try {
      this.#findings.file(name, scan.fileBytes, 'sound')
      if (scan.headerProblem !== undefined) this.#findings.damage(name, scan.headerProblem)
      for (let frame = await scan.next(), end = 0; frame !== undefined; frame = await scan.next()) {
        const { offset, frameBytes, lastSequence } = frame.header
        const what = 'no frame there verifies'
        if (end > 0 && offset > end) this.#findings.damage(name, { offset: end, length: offset - end, what })
        end = offset + frameBytes
        this.#findings.sequence = Math.max(this.#findings.sequence, lastSequence)
        const rest = this.#findings.pace.count(frameBytes)
        if (rest !== undefined) await rest
      }
    } finally {
      await scan.close()
    }
  }

  /** Tables against the end of the log, and loads in the log against tables. */
  #sequences(state: ManifestState, log: LogFindings): void {
    const loadedAt = Math.max(0, ...state.tables.map((table) => table.loadedAt ?? 0))
    // That a load's own commit, empty in the log, is missing is made good when the store is opened.
    const through: Sequence = loadedAt === log.lastSequence + 1 ? loadedAt : log.lastSequence
    this.#findings.sequence = through
    for (const table of state.tables) {
      if (table.lastSequence <= through) continue
      const what = `it has rows of commit ${table.lastSequence}, but the log ends with commit ${through}`
      this.#damage(tableFileName(table.number), what)
    }
    for (const sequence of log.loads) {
      if (state.tables.some((table) => table.firstSequence <= sequence && sequence <= table.lastSequence)) continue
      const what = `the log says that commit ${sequence} was a bulk load, but no table has its rows: an edit of the manifest is lost`
      this.#damage(CURRENT_FILE, what)
    }
  }

  /** Orphans and files of others; a segment with commits that the manifest does not name is none. */
  async #unused(names: readonly string[], state: ManifestState, manifest: number): Promise<void> {
    const unused = new Set(orphans(names, state, manifest))
    for (const name of names) {
      const file = parseFileName(name)
      if (file !== undefined && !unused.has(name)) continue
      const path = this.#path(name)
      const bytes = (await this.#runtime.files.status(path))?.size ?? 0
      this.#findings.file(name, bytes, 'unused')
      const isNeeded = file?.kind === 'segment' && file.number >= Math.max(1, state.firstSegment)
      if (isNeeded && (await this.#hasCommits(name, databaseMarkOf(state)))) {
        this.#damage(name, 'it has commits, but the manifest does not name it')
      } else {
        const what = file === undefined ? 'a file of others, left alone' : 'an orphan: the next open removes it'
        this.#findings.note(name, { offset: 0, length: 0, what })
      }
    }
  }

  async #hasCommits(name: string, mark: number | undefined): Promise<boolean> {
    const scan = await SegmentScan.open(this.#runtime, this.#path(name), { number: parseFileName(name)!.number, mark })
    try {
      for (let frame = await scan.next(); frame !== undefined; frame = await scan.next()) {
        if (frame.header.commits > 0) return true
      }
      return false
    } finally {
      await scan.close()
    }
  }

  #damage(name: string, what: string): void {
    this.#findings.damage(name, { offset: 0, length: 0, what })
  }

  #path(name: string): string {
    return this.#runtime.files.join(this.#directory, name)
  }
}

/** The numbers of the files of a kind, ascending. */
export function numbersOf(names: readonly string[], kind: 'manifest' | 'table' | 'segment'): number[] {
  const files = names.map(parseFileName).filter((file) => file?.kind === kind)
  return files.map((file) => file!.number).sort((a, b) => a - b)
}

function offsetOf(error: unknown): number {
  return error instanceof StrictKvError && 'offset' in error ? (error.offset as number) : 0
}
