/**
 * One round of salvage: a database of a seed is damaged, saved, and what was saved is judged against what is known.
 *
 * 1. No byte of the damaged files has changed, nothing was created beside them, and none was opened but for reading.
 * 2. What was saved opens, verifies, and takes writes.
 * 3. Each row that it has is one that was committed for its key; where the report names neither a loss nor a doubt for a key, its newest.
 * 4. A report that calls itself complete has lost nothing.
 * One thing nobody can tell (docs/DURABILITY.md): a killed database, whose log has lost its end together with all that bore witness to it, ends
 * sooner. Such a round is counted apart, and held to the commit that the report ends with.
 */
import { createLimits } from '../../src/base/limits'
import { StrictKvError } from '../../src/base/errors'
import { rangeContains } from '../../src/base/key-range'
import { verifyStore } from '../../src/storage/inspect/verify-store'
import { salvageStore } from '../../src/storage/salvage/salvage'
import type { SalvageReport } from '../../src/storage/salvage/salvage-report'
import { openLsmDatabase } from '../support/harness/lsm-database'
import type { DurableImage } from '../support/memory-runtime/durable-image'
import type { Injection, IoCall } from '../support/memory-runtime/io-calls'
import { createMemoryRuntime } from '../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../support/memory-runtime/memory-runtime'
import { buildDatabase, DAMAGED_DIRECTORY, DAMAGED_LIMITS, harm, valueAt } from './damaged-database'
import type { Harm, KnownDatabase } from './damaged-database'

const TARGET = '/saved/db'

/** What a round came to. */
export interface RoundOutcome {
  readonly report: SalvageReport
  readonly harms: readonly Harm[]
  /** Keys that had a value, and those of them that have their newest. */
  readonly keys: number
  readonly keysRight: number
  /** Keys for which the report names a loss or a doubt. */
  readonly keysNamed: number
  /** The end of the log was lost without a witness. */
  readonly isShortened: boolean
}

/** Salvages the damaged database of `seed`. Throws if anything is wrong with the outcome. */
export async function salvageRound(seed: number): Promise<RoundOutcome> {
  const takeLoads = seed % 2 === 0
  const database = await buildDatabase(seed)
  const { disk, harms } = harm(database, seed)
  try {
    return await salvageAndJudge(database, { disk, harms, takeLoads })
  } catch (error) {
    const what = harms.map(({ kind, file, from, to }) => `${file} ${kind} ${from}-${to}`).join(', ')
    throw new Error(`seed ${seed} (${database.ending}; ${what}): ${(error as Error).message}`, { cause: error })
  }
}

/** Salvages what is left of a database, and judges what comes of it. */
export async function salvageAndJudge(
  database: KnownDatabase,
  damaged: { readonly disk: DurableImage; readonly harms: readonly Harm[]; readonly takeLoads?: boolean },
): Promise<RoundOutcome> {
  const runtime = createMemoryRuntime({ seed: 1, files: damaged.disk })
  const places = { directory: DAMAGED_DIRECTORY, target: TARGET }
  const report = await salvageStore(runtime, places, {
    limits: createLimits(DAMAGED_LIMITS),
    takeLoads: damaged.takeLoads,
  })
  expectUntouched(runtime, damaged.disk)
  const verified = await verifyStore(runtime, TARGET)
  if (!verified.ok) throw new Error(`what was saved does not verify: ${JSON.stringify(verified.damages)}`)
  return judge(database, { report, harms: damaged.harms, saved: await rowsOf(runtime, report) })
}

/** What became of a salvage one of whose calls failed. */
export interface FailedRound {
  /** 'refused': it rejected, and the target is no database. 'told': it went on, and its report names what may be missing. */
  readonly outcome: 'refused' | 'told' | 'complete'
  /** I/O calls that it made. */
  readonly calls: readonly IoCall[]
}

/**
 * Salvages with the I/O call number `at` failing, and judges: the old database is untouched; a salvage that rejects does so with a typed
 * error and leaves nothing that opens; one that goes on is judged by its report, as every other.
 */
export async function salvageWithFailure(
  database: KnownDatabase,
  damaged: { readonly disk: DurableImage; readonly harms: readonly Harm[] },
  { at, failure }: { readonly at: number; readonly failure: Injection },
): Promise<FailedRound> {
  let failed: IoCall | undefined
  const inject = (call: IoCall): Injection | undefined => {
    if (call.index !== at) return undefined
    failed = call
    return failure
  }
  const runtime = createMemoryRuntime({ seed: 1, files: damaged.disk, inject })
  const places = { directory: DAMAGED_DIRECTORY, target: TARGET }
  const salvaging = salvageStore(runtime, places, { limits: createLimits(DAMAGED_LIMITS) })
  const report = await salvaging.catch((error: unknown) => error as Error)
  const calls = [...runtime.calls]
  expectUntouched(runtime, damaged.disk)
  if (report instanceof Error) {
    if (!(report instanceof StrictKvError)) throw report
    await expectNoDatabase(createMemoryRuntime({ seed: 2, files: runtime.durableImage('everything') }))
    return { outcome: 'refused', calls }
  }
  const saved = await rowsOf(runtime, report)
  const harms = failed === undefined ? damaged.harms : [...damaged.harms, unreadable(failed)]
  judge(database, { report, harms, saved })
  return { outcome: report.complete ? 'complete' : 'told', calls }
}

/** A call that failed, as harm to the file. */
function unreadable({ path: file, position = 0, length = 0 }: IoCall): Harm {
  return { kind: 'zeroed', file, from: position, to: position + length }
}

async function expectNoDatabase(runtime: MemoryRuntime): Promise<void> {
  const status = await runtime.files.status(TARGET)
  if (status === undefined || (await runtime.files.list(TARGET)).length === 0) return
  const opened = await openLsmDatabase(runtime, TARGET, { limits: DAMAGED_LIMITS, readOnly: true }).catch(
    (error: unknown) => error as Error,
  )
  if (opened instanceof Error) return
  await opened.close()
  throw new Error('the salvage has failed, and what it left is taken for a database')
}

function expectUntouched(runtime: MemoryRuntime, before: DurableImage): void {
  const prefix = `${DAMAGED_DIRECTORY}/`
  const reading = ['open', 'close', 'read', 'read-sync', 'size', 'status', 'list', 'lock']
  for (const { operation, path } of runtime.calls) {
    if (path !== DAMAGED_DIRECTORY && !path.startsWith(prefix)) continue
    if (!reading.includes(operation)) throw new Error(`the salvage has done "${operation}" to ${path}`)
  }
  const after = new Map([...runtime.durableImage('everything').files].filter(([file]) => file.startsWith(prefix)))
  const old = [...before.files].filter(([file]) => file.startsWith(prefix))
  if (after.size !== old.length) throw new Error('files of the damaged database have come or gone')
  for (const [file, bytes] of old) {
    if (Buffer.compare(bytes, after.get(file)!) !== 0) throw new Error(`the salvage has changed ${file}`)
  }
}

async function rowsOf(runtime: MemoryRuntime, report: SalvageReport): Promise<ReadonlyMap<string, string>> {
  const db = await openLsmDatabase(runtime, TARGET, { limits: DAMAGED_LIMITS })
  try {
    const rows = new Map<string, string>()
    for await (const [key, value] of db.scan()) rows.set(String(key), String(value))
    if (rows.size !== report.rows) throw new Error(`${rows.size} rows are there, ${report.rows} were reported`)
    const { sequence } = await db.put('written afterwards', 'x')
    if (sequence !== report.sequence + 1) throw new Error(`the next commit is ${sequence}, after ${report.sequence}`)
    return rows
  } finally {
    await db.close()
  }
}

function judge(
  database: KnownDatabase,
  outcome: {
    readonly report: SalvageReport
    readonly harms: readonly Harm[]
    readonly saved: ReadonlyMap<string, string>
  },
): RoundOutcome {
  const { report, harms, saved } = outcome
  const { historyByKey, lastSequence, ending } = database
  const isShortened = report.sequence < lastSequence
  const touchesLog = harms.some(({ file }) => /log|manifest/.test(file))
  if (isShortened && report.complete && !(ending === 'killed' && touchesLog)) {
    throw new Error(`it ends with commit ${report.sequence} of ${lastSequence}, and calls itself complete`)
  }
  const named = [...report.losses, ...report.doubts]
  let [keys, keysRight, keysNamed] = [0, 0, 0]
  for (const key of new Set([...historyByKey.keys(), ...saved.keys()])) {
    const found = saved.get(key)
    const expected = valueAt(database, key, isShortened ? report.sequence : lastSequence)
    const wasEver = found === undefined || historyByKey.get(key)?.some(({ value }) => value === found) === true
    if (!wasEver) throw new Error(`"${key}" has ${found.slice(0, 20)}, which was never committed`)
    const isNamed = named.some(({ range }) => rangeContains(range, key))
    if (!isNamed && found !== expected) {
      const [has, not] = [found, expected].map((value) => value?.slice(0, 20) ?? 'nothing')
      throw new Error(`"${key}" has ${has!} and not ${not!}, and no loss is named there: ${JSON.stringify(report)}`)
    }
    if (expected !== undefined) keys++
    if (expected !== undefined && found === expected) keysRight++
    if (isNamed) keysNamed++
  }
  return { report, harms, keys, keysRight, keysNamed, isShortened }
}
