/**
 * Verifies a store that is open, beside its readers and writers.
 *
 *   manifest, between two edits -> each table of the newest set, pinned -> these against each other -> log, up to what is synced now
 *
 * Reads past the block cache, in slices: commits and reads wait for a slice, never for a file. Tables that flushes and merges write
 * meanwhile are not looked at; those that they replace stay until they have been. Of the log only what was durable at the beginning is judged:
 * behind that a group may be on its way. What it does not do: orphans, for files come and go (verify-store.ts).
 *
 * Pinned by test/unit/storage/inspect/verify-open.test.ts.
 */
import { StrictKvError } from '../../base/errors'
import type { VerifyOptions, VerifyReport } from '../../base/verification'
import type { Runtime } from '../../runtime/runtime'
import { manifestFileName, tableFileName } from '../files/file-names'
import { toProblem } from '../files/file-problem'
import { readWholeFile } from '../files/whole-file'
import type { Log } from '../log/log'
import { segmentFileName } from '../log/log-format'
import { replayLog } from '../log/log-reader'
import type { Manifest } from '../manifest/manifest'
import { encodeEdit } from '../manifest/manifest-format'
import { scanManifest } from '../manifest/manifest-scan'
import { stateToEdit } from '../manifest/manifest-state'
import type { RecoveredStore } from '../recovery'
import type { TableSet } from '../table/table-set'
import { verifyOrder } from './verify-order'
import { Findings, Pace } from './verify-report'
import { contradiction } from './verify-tables'

/** An open store; one that is only read has no log, and what it opened does not change. */
export interface OpenStore {
  readonly store: RecoveredStore
  readonly log: Pick<Log, 'syncedSequence'> | undefined
}

/** So often a flush may let go of a segment while it is about to be read, before that counts as missing. */
const LOG_ATTEMPTS_MAX = 16

/** Verifies an open store. Rejects with `AbortedError`; of damage it tells. REQUIRES: it is not closed before it ends. */
export async function verifyOpenStore(
  place: { readonly runtime: Runtime; readonly directory: string },
  open: OpenStore,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const { runtime, directory } = place
  const findings = new Findings(new Pace(runtime, `verifying ${directory}`, options))
  const check = new OpenCheck(runtime, directory, open.store, findings)
  const set = open.store.tables.current
  set.pin()
  try {
    findings.pace.bytesTotal = set.places.reduce((sum, { file }) => sum + file.properties.fileBytes, 0)
    if (open.store.manifest !== undefined) await check.manifest(open.store.manifest)
    await check.tables(set)
    if (open.log !== undefined && open.store.manifest !== undefined) await check.log(open.log, open.store.manifest)
  } finally {
    set.unpin()
  }
  return findings.finish()
}

class OpenCheck {
  readonly #runtime: Runtime
  readonly #directory: string
  readonly #store: RecoveredStore
  readonly #findings: Findings

  constructor(runtime: Runtime, directory: string, store: RecoveredStore, findings: Findings) {
    this.#runtime = runtime
    this.#directory = directory
    this.#store = store
    this.#findings = findings
    findings.sequence = store.memtables.appendedSequence
  }

  async manifest(manifest: Manifest): Promise<void> {
    await manifest.undisturbed(async () => {
      const { fileNumber: number, state } = manifest
      const name = manifestFileName(number)
      const path = this.#path(name)
      try {
        const bytes = await readWholeFile(this.#runtime, path)
        this.#findings.file(name, bytes.length, 'sound')
        const scan = scanManifest(bytes, number, path)
        for (const problem of scan.problems) this.#findings.damage(name, problem)
        // After a failed edit nobody knows what it says, until it is opened again.
        const isKnown = manifest.failed === undefined
        const isSame =
          scan.state !== undefined && encodeEdit(stateToEdit(scan.state)).equals(encodeEdit(stateToEdit(state)))
        const what = 'it does not say what was written to it'
        if (isKnown && !isSame) this.#findings.damage(name, { offset: scan.tornAt ?? 0, length: 0, what })
      } catch (error) {
        this.#findings.damage(name, toProblem(error, path, { offset: 0, length: 0 }))
      }
    })
  }

  async tables(set: TableSet): Promise<void> {
    const { count } = this.#findings.pace
    const damaged = new Set<number>()
    const records = this.#store.manifest?.state.tables ?? []
    for (const { file } of set.places) {
      const name = tableFileName(file.number)
      const damage = (problem: Parameters<Findings['damage']>[1]): void => {
        damaged.add(file.number)
        this.#findings.damage(name, problem)
      }
      this.#findings.tables++
      this.#findings.file(name, file.properties.fileBytes, 'sound')
      const { pieces, entries } = await file.table.verify({ damage, count })
      this.#findings.rows += entries
      const record = records.find(({ number }) => number === file.number)
      const what = record === undefined ? undefined : contradiction(record, pieces)
      if (what !== undefined) damage({ offset: 0, length: 0, what })
    }
    await verifyOrder(set, {
      count,
      isSound: (number) => !damaged.has(number),
      damage: (number, what) => this.#findings.damage(tableFileName(number), { offset: 0, length: 0, what }),
    })
  }

  async log(log: Pick<Log, 'syncedSequence'>, manifest: Manifest): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const { segments: numbers, flushedThrough: afterSequence, firstSegment } = manifest.state
      const throughSequence = log.syncedSequence
      try {
        const { databaseMark } = this.#store
        const options = { afterSequence, throughSequence, databaseMark }
        const source = { directory: this.#directory, numbers }
        const { commits } = await replayLog(this.#runtime, source, options, () => undefined)
        this.#findings.commits = commits
        for (const number of numbers) await this.#segment(segmentFileName(number))
        return
      } catch (error) {
        // A segment that was let go of since is none of the store's any more.
        if (manifest.state.firstSegment > firstSegment && attempt < LOG_ATTEMPTS_MAX) continue
        if (!(error instanceof StrictKvError)) throw error
        const path = 'file' in error ? (error.file as string) : this.#directory
        const offset = 'offset' in error ? (error.offset as number) : 0
        const name = path.slice(-segmentFileName(1).length)
        this.#findings.damage(name, toProblem(error, path, { offset, length: 0 }))
        return
      }
    }
  }

  async #segment(name: string): Promise<void> {
    const status = await this.#runtime.files.status(this.#path(name))
    if (status !== undefined) this.#findings.file(name, status.size, 'sound')
  }

  #path(name: string): string {
    return this.#runtime.files.join(this.#directory, name)
  }
}
