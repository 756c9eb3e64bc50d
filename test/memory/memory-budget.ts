/**
 * What a database has in memory by its own word, `stats().memory`, held against what the process has in use.
 *
 * Two claims, at every sample of a load: what is in use beyond the open, empty database is within the budget; and, where nothing is held by
 * the collector of another thread, the parts account for it, but for ALLOWANCE_BYTES: calls under way, the runtime's own.
 *
 * The load runs in a process of its own (load-child.cjs), the built package in it: nothing else is in its heap.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { LimitName } from '../../src/base/limits'

const KiB = 1024
const MiB = 1024 * KiB

/** Small limits, in one process with an application that needs its memory for itself. */
export const SMALL_LIMITS: Partial<Record<LimitName, number>> = {
  transactionBytesMax: 512 * KiB, valueBytesMax: 64 * KiB, memtableBytesMax: 2 * MiB, memtablesFrozenMax: 1, walBytesMax: 8 * MiB,
  segmentBytesMax: 4 * MiB, logGroupBytesMax: 256 * KiB, logSliceBytes: 64 * KiB, blockCacheBytesMax: 2 * MiB,
  tableBytesMax: 2 * MiB, levelBytesBase: 8 * MiB, levelZeroTablesStall: 6, reserveBytes: 0,
  loadsActiveMax: 1, transactionsActiveMax: 100, registrationsMax: 10_000, retainedExactMax: 1_000, retainedCommitsMax: 2_000,
} // prettier-ignore

/** What nobody shows: promises and buffers of calls under way; compiled code and what else the runtime has taken after the first commit: 3 MiB. */
const ALLOWANCE_BYTES = 6 * MiB

/** What the process has in use, and what `stats().memory` says then. */
export interface Sample {
  readonly heapUsed: number
  readonly external: number
  readonly arrayBuffers: number
  readonly shown: { readonly bytes: number; readonly budgetBytes: number }
}

/** What the child says. */
export interface LoadReport {
  readonly before: Sample
  readonly samples: readonly Sample[]
  readonly after: Sample
  readonly count: number
}

/** Bytes that a sample has in use beyond another: heap, and array buffers, shared ones among them. */
export function growth(from: Sample, to: Sample): number {
  const beside = Math.max(to.external - from.external, to.arrayBuffers - from.arrayBuffers)
  return to.heapUsed - from.heapUsed + beside
}

/** Throws unless what is in use is within the budget at every sample; gives the most that was in use. */
export function checkBudget({ before, samples, after }: LoadReport): {
  readonly peak: number
  readonly budget: number
} {
  let [peak, budget] = [0, 0]
  for (const sample of [...samples, after]) {
    const used = growth(before, sample)
    const { budgetBytes } = sample.shown
    if (used > budgetBytes) throw new Error(`${mib(used)} MiB are in use, and the budget is ${mib(budgetBytes)} MiB`)
    if (used > peak) [peak, budget] = [used, budgetBytes]
  }
  return { peak, budget }
}

/** Throws unless `stats().memory` accounts for what is in use. REQUIRES: jobs ran inline. */
export function checkAccounts({ before, samples, after }: LoadReport): void {
  for (const sample of [...samples, after]) {
    const used = growth(before, sample)
    const shown = sample.shown.bytes - before.shown.bytes
    if (used <= shown + ALLOWANCE_BYTES) continue
    throw new Error(`${mib(used)} MiB are in use, and stats().memory accounts for ${mib(shown)} MiB`)
  }
}

/** As in "14.2". */
export function mib(bytes: number): string {
  return (bytes / MiB).toFixed(1)
}

/** Loads `rows` rows in a process of its own. REQUIRES: the package is built. */
export async function load(
  limits: Partial<Record<LimitName, number>>,
  rows: number,
  { rowsPerSample, backgroundMode = 'thread' }: { rowsPerSample: number; backgroundMode?: 'thread' | 'inline' },
): Promise<LoadReport> {
  const parent = mkdtempSync(path.join(tmpdir(), 'strictkv-memory-'))
  const library = path.join(__dirname, '../../dist/index.js')
  const args = [library, path.join(parent, 'db'), JSON.stringify({ durability: 'os', backgroundMode, ...limits }), String(rows), String(rowsPerSample)] // prettier-ignore
  try {
    return JSON.parse(await run([path.join(__dirname, 'load-child.cjs'), ...args])) as LoadReport
  } finally {
    rmSync(parent, { recursive: true, force: true })
  }
}

function run(args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, ['--expose-gc', ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (more: string) => (text += more))
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve(text)
      else reject(new Error(`the load ended with code ${String(code)}`))
    })
  })
}
