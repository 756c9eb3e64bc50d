/**
 * Salvage: a new database, in a directory of its own, from all that can be read of a damaged one. The old one is never written to.
 *
 *   lock, shared -> what the manifest says (salvage-plan.ts)
 *     -> log: commits that are in no table, gathered and written as tables of the new directory (salvaged-log.ts)
 *     -> all tables, damaged ones by their blocks, merged by key: the greatest sequence wins (salvaged-table.ts, salvaged-run.ts)
 *     -> one run of new tables, synced -> directory synced -> manifest, and CURRENT last
 *
 * 1. The old directory is opened for reading alone; only LOCK is shared, where there is one.
 * 2. Of each key the version with the greatest sequence that can be read wins, whatever table it is in; a tombstone that wins takes
 *    the key away. So nothing older wins over something newer that is readable. What is not readable is in the report.
 * 3. Until CURRENT is there the new directory is no database: a salvage that was cut short is refused by name.
 * 4. Sequences go on behind the greatest that anything spoke of, lost commits included: none is given out twice.
 *
 * Pinned by test/unit/storage/salvage/salvage.test.ts and test/salvage. Decision 0020.
 */
import { InvalidArgumentError } from '../../base/errors'
import type { Limits } from '../../base/limits'
import { SEQUENCE_INFINITY } from '../../base/sequence'
import type { Sequence } from '../../base/sequence'
import type { VerifyOptions } from '../../base/verification'
import type { Runtime } from '../../runtime/runtime'
import { codecs } from '../files/codec'
import type { CodecName } from '../files/codec'
import { withCodec } from '../files/codec-options'
import { CURRENT_FILE, tableFileName } from '../files/file-names'
import { ENTRY_DELETE } from '../engine'
import { Pace } from '../inspect/verify-report'
import { storeNames } from '../inspect/verify-store'
import { Manifest } from '../manifest/manifest'
import { createManifestState } from '../manifest/manifest-state'
import { missingDirectories, syncParents } from '../manifest/store-directory'
import { withDatabaseMark } from '../manifest/database-mark'
import { RangeTombstoneIndex } from '../rows/range-tombstones'
import type { RangeTombstone, VersionCursor } from '../rows/version-cursor'
import { MergingCursor } from '../table/merging-cursor'
import { packRuns } from '../table/runs'
import type { TableProperties } from '../table/table-format'
import { TableOutput } from '../table/table-output'
import { propertiesToRecord } from '../table/table-store'
import { removeQuietly } from '../files/whole-file'
import { CommitTables } from './commit-tables'
import { planSalvage } from './salvage-plan'
import type { SalvagePlan } from './salvage-plan'
import { Losses } from './salvage-report'
import type { SalvageReport } from './salvage-report'
import { salvageLog } from './salvaged-log'
import { SalvagedRun } from './salvaged-run'
import { prepareTable } from './salvaged-table'
import type { SalvagedTable, SalvageSource } from './salvaged-table'

/** How to salvage. */
export interface SalvageOptions extends VerifyOptions {
  /**
   * Whether tables that look like those of a bulk load are read although no manifest says that the load was committed. Their rows lose
   * against anything else that is known of a key.
   */
  readonly takeLoads?: boolean | undefined
  readonly limits: Limits
}

/** The one run of the new database. */
const PLACE = { level: 1, run: 1 }

/**
 * Builds a new database in `target` from what can be read of the one in `directory`. Throws `InvalidArgumentError`,
 * `DatabaseLockedError`, `AbortedError`, `IoError`, `DiskFullError`; then `target` is as it was, or holds what no open accepts.
 */
export async function salvageStore(
  runtime: Runtime,
  places: { readonly directory: string; readonly target: string },
  options: SalvageOptions,
): Promise<SalvageReport> {
  const { directory, target } = places
  const names = await storeNames(runtime, directory, 'salvage')
  await checkTarget(runtime, directory, target)
  const lock = await runtime.files.lock(directory, 'shared')
  try {
    return await new Salvage(runtime, places, options).run(names)
  } finally {
    await lock?.release()
  }
}

/** The target is a directory that is empty or not there, and not within the old one. */
async function checkTarget(runtime: Runtime, directory: string, target: string): Promise<void> {
  const { files } = runtime
  const source = files.resolve(directory)
  let path = files.resolve(target)
  while (path !== source) {
    const parent = files.parent(path)
    if (parent === path) break
    path = parent
  }
  if (path === source)
    throw new InvalidArgumentError(`Cannot salvage to ${target}: it lies within ${directory}, which is left as it is`)
  const status = await files.status(target)
  if (status === undefined) return
  const isEmpty = status.kind === 'directory' && (await files.list(target)).length === 0
  if (!isEmpty) throw new InvalidArgumentError(`Cannot salvage to ${target}: give an empty or a new directory`)
}

class Salvage {
  readonly #runtime: Runtime
  readonly #directory: string
  readonly #target: string
  readonly #options: SalvageOptions
  readonly #losses = new Losses()
  readonly #pace: Pace
  #nextNumber = 1
  #sequence: Sequence = 0

  constructor(
    runtime: Runtime,
    { directory, target }: { readonly directory: string; readonly target: string },
    options: SalvageOptions,
  ) {
    this.#runtime = runtime
    this.#directory = directory
    this.#target = target
    this.#options = options
    this.#pace = new Pace(runtime, `salvaging ${directory}`, options)
  }

  async run(names: readonly string[]): Promise<SalvageReport> {
    for (const name of names) this.#pace.bytesTotal += await this.#bytesOf(name)
    const plan = await planSalvage(this.#runtime, this.#directory, { names, losses: this.#losses })
    const created = await missingDirectories(this.#runtime, this.#target, `salvage to ${this.#target}`)
    try {
      for (const part of created) await this.#runtime.files.createDirectory(part)
      return await this.#build(plan)
    } catch (error) {
      await this.#clear(created)
      throw error
    }
  }

  async #build(plan: SalvagePlan): Promise<SalvageReport> {
    const tables = await this.#tables(plan)
    const spilled = await this.#log(plan)
    const written = await this.#merge(plan, [...spilled, ...tables])
    for (const { path } of spilled) await removeQuietly(this.#runtime, path)
    await this.#begin(plan, written)
    this.#pace.end()
    const { losses, doubts, notes } = this.#losses
    return {
      complete: losses.length === 0 && doubts.length === 0,
      manifest: plan.standing,
      ...{ losses, doubts, notes },
      tables: tables.length,
      segments: plan.segments.length,
      rows: written.reduce((sum, { entries }) => sum + entries, 0),
      sequence: this.#sequence,
    }
  }

  /** Everything in the target is ours: it was empty. What cannot be removed is no database, for want of CURRENT. */
  async #clear(created: readonly string[]): Promise<void> {
    const names = await this.#runtime.files.list(this.#target).catch(() => [])
    const current = names.filter((name) => name === CURRENT_FILE)
    for (const name of [...current, ...names])
      await removeQuietly(this.#runtime, this.#runtime.files.join(this.#target, name))
    for (const part of [...created].reverse()) await this.#runtime.files.removeDirectory(part).catch(() => undefined)
  }

  async #bytesOf(name: string): Promise<number> {
    return (await this.#runtime.files.status(this.#runtime.files.join(this.#directory, name)))?.size ?? 0
  }

  get #source(): SalvageSource {
    return { runtime: this.#runtime, directory: this.#directory, losses: this.#losses, count: this.#pace.count }
  }

  /** The tables that can be opened. */
  async #tables(plan: SalvagePlan): Promise<SalvagedTable[]> {
    const tables: SalvagedTable[] = []
    for (const planned of plan.tables) {
      const table = await prepareTable(this.#source, planned)
      if (table === undefined) continue
      const { number, bounds: range, sequences } = table
      const file = tableFileName(number)
      if (table.mayBeLoad && this.#options.takeLoads !== true) {
        const what = 'not taken: its rows may be those of a bulk load, and no manifest says that it was committed'
        this.#losses.lose({ file, what, range })
        continue
      }
      if (table.mayBeLoad)
        this.#losses.doubt({ file, what: 'it may be of a bulk load that was never committed', range })
      else if (planned.record === undefined && plan.standing === 'suspect') {
        this.#losses.doubt({
          file,
          what: 'no edit of the manifest names it: keys deleted since may be back',
          range,
          sequences,
        })
      }
      tables.push(table)
    }
    return tables
  }

  /** The commits that are in no table, as tables in the new directory. */
  async #log(plan: SalvagePlan): Promise<readonly SalvagedTable[]> {
    const { limits } = this.#options
    const commits = new CommitTables(this.#runtime, {
      directory: this.#target,
      limits,
      allocateFileNumber: () => this.#nextNumber++,
    })
    const log = await salvageLog(this.#source, plan, (sequence, entries) => commits.take(sequence, entries))
    const { state } = plan
    const known = Math.max(state.flushedThrough, ...state.tables.map(({ lastSequence }) => lastSequence))
    this.#sequence = Math.max(log.lastSequence, known)
    for (const sequence of log.loads) {
      if (plan.standing === 'lost' || sequence <= state.flushedThrough) continue
      if (state.tables.some((table) => table.firstSequence <= sequence && sequence <= table.lastSequence)) continue
      const what = `commit ${sequence} was a bulk load, but no edit of the manifest names its tables`
      this.#losses.lose({ file: CURRENT_FILE, what, sequences: { first: sequence, last: sequence } })
    }
    return commits.finish()
  }

  /** Merges everything into one run. */
  async #merge(plan: SalvagePlan, tables: readonly SalvagedTable[]): Promise<readonly TableProperties[]> {
    const aged = tables.map((table, i) => ({ age: tables.length - i, bounds: table.bounds, table }))
    const sources = packRuns(aged).map((run) => new SalvagedRun(this.#source, run.map(({ table }) => table))) // prettier-ignore
    const { limits } = this.#options
    const output = new TableOutput(this.#runtime, {
      ...{
        directory: this.#target,
        limits,
        codec: codecOf(plan),
        isLastLevel: true,
        tableBytesMax: limits.tableBytesMax,
      },
      allocateFileNumber: () => this.#nextNumber++,
      cutKeys: [],
      rangeTombstones: [],
    })
    const merged = new MergingCursor(sources, false)
    try {
      const rangeTombstones = tables.flatMap((table) => table.rangeTombstones)
      for (const { sequence } of rangeTombstones) this.#sequence = Math.max(this.#sequence, sequence)
      await this.#copyNewest(merged, rangeTombstones, output)
      for (const { greatest } of sources) this.#sequence = Math.max(this.#sequence, greatest)
      return await output.finish()
    } catch (error) {
      await output.discard()
      throw error
    } finally {
      merged.close()
    }
  }

  /** Of each key the newest version, unless it is deleted. */
  async #copyNewest(
    source: VersionCursor,
    rangeTombstones: readonly RangeTombstone[],
    output: TableOutput,
  ): Promise<void> {
    const deleted = rangeTombstones.length === 0 ? undefined : RangeTombstoneIndex.from(rangeTombstones)
    let last: string | undefined
    for (let more = await source.seek(undefined); more;) {
      const { key, sequence, kind } = source
      if (key !== last) {
        last = key
        const isDeleted = kind === ENTRY_DELETE || (deleted?.newestCovering(key, SEQUENCE_INFINITY) ?? 0) > sequence
        if (!isDeleted) await this.#put(source, output)
      }
      const moved = source.next()
      more = typeof moved === 'boolean' ? moved : await moved
    }
  }

  async #put(version: VersionCursor, output: TableOutput): Promise<void> {
    if (output.shouldCut(version)) await output.cut(version.key)
    if (output.writer === undefined) await output.begin()
    output.add(version)
    if (output.writer?.needsDrain === true) await output.writer.drain()
  }

  /** Puts the new database in force. */
  async #begin(plan: SalvagePlan, written: readonly TableProperties[]): Promise<void> {
    await syncParents(this.#runtime, this.#target)
    const mark = this.#runtime.random.u32()
    const fresh = createManifestState()
    const options = withCodec(withDatabaseMark(fresh.options, mark), codecOf(plan))
    const state = { ...fresh, options, nextFileNumber: this.#nextNumber }
    let failure = undefined as Error | undefined
    const manifest = Manifest.prepare(this.#runtime, state, {
      directory: this.#target,
      limits: this.#options.limits,
      onFailed: (cause) => (failure = cause),
    })
    try {
      const addTables = written.map((properties) => propertiesToRecord(properties, PLACE))
      await manifest.begin({ addTables, flushedThrough: this.#sequence })
    } finally {
      await manifest.close()
    }
    // In force it may be, and whole; but what refuses writes already is not to be relied on.
    if (failure !== undefined) throw failure
  }
}

/** What the old database was compressed with, where that can be had. */
function codecOf({ state }: SalvagePlan): CodecName {
  const name = state.options.get('codec')
  const isKnown = name === 'deflate' || name === 'zstd'
  return isKnown && codecs.problem(name) === undefined ? name : 'none'
}
