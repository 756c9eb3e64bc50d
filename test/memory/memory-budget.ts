/**
 * What a database may take in memory, worked out from its limits, and a load that is held against it.
 *
 *     memtables      (1 + memtablesFrozenMax) x (memtableBytesMax + transactionBytesMax + a chunk)   one takes writes, others wait;
 *                                                                                                    a commit may go beyond
 *     log            2 groups, each up to twice the larger of logGroupBytesMax and transactionBytesMax; a stage; slices
 *     block cache    blockCacheBytesMax
 *     resident       filters: filterBitsPerKey a row; index: an entry a block; both twice while a merge has written its outputs and
 *                    not yet let go of its inputs
 *     merge          a stretch of each input, the hashes and blocks of the table under construction
 *     calls          what is passed in and out, conflict state: little in a load, a fixed allowance here
 *
 * The load runs in a process of its own (load-child.cjs), the built package in it: nothing else is in its heap.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { LimitName } from '../../src/base/limits'
import { createLimits } from '../../src/base/limits'

const KiB = 1024
const MiB = 1024 * KiB

/** Small limits, in one process with an application that needs its memory for itself. */
export const SMALL_LIMITS: Partial<Record<LimitName, number>> = {
  transactionBytesMax: 1 * MiB, memtableBytesMax: 2 * MiB, memtablesFrozenMax: 1, walBytesMax: 8 * MiB,
  segmentBytesMax: 4 * MiB, logGroupBytesMax: 256 * KiB, logSliceBytes: 64 * KiB, blockCacheBytesMax: 2 * MiB,
  tableBytesMax: 2 * MiB, levelBytesBase: 8 * MiB, reserveBytes: 0,
} // prettier-ignore

/** Memory of a memtable comes in chunks of this size. */
const ARENA_CHUNK_BYTES = 1 * MiB
/** What is larger than shared memory holds goes to the log's thread through a stage of this size. */
const LOG_STAGE_BYTES = 1 * MiB
/** Of a block in the index: its last key as a string, its place, its share of a model. */
const INDEX_BYTES_PER_BLOCK = 96
/** A filter may be larger than designed by the rounding of its size, and has more bits in small levels. */
const FILTER_SLACK = 1.6
/** Of each input of a merge. */
const MERGE_STRETCH_BYTES = 256 * KiB
/** Inputs of a merge: the runs of two levels and some. */
const MERGE_INPUTS_MAX = 12
/** Hash and offsets of a row in the table under construction. */
const WRITER_BYTES_PER_ROW = 16
const CALLS_BYTES = 4 * MiB
const ROW_BYTES = 120

/** The bytes, beyond what the empty database takes, that a database of `rows` rows of 120 bytes may have in use. */
export function budgetBytes(given: Partial<Record<LimitName, number>>, rows: number): number {
  const limits = createLimits(given)
  const memtables =
    (1 + limits.memtablesFrozenMax) * (limits.memtableBytesMax + limits.transactionBytesMax + ARENA_CHUNK_BYTES)
  const log =
    2 * 2 * Math.max(limits.logGroupBytesMax, limits.transactionBytesMax) + LOG_STAGE_BYTES + 2 * limits.logSliceBytes
  const filters = rows * (limits.filterBitsPerKey / 8) * FILTER_SLACK
  const indexes = ((rows * ROW_BYTES) / limits.blockBytes) * INDEX_BYTES_PER_BLOCK
  const writer = (limits.tableBytesMax / ROW_BYTES) * WRITER_BYTES_PER_ROW
  const merge = MERGE_INPUTS_MAX * MERGE_STRETCH_BYTES + writer
  return memtables + log + limits.blockCacheBytesMax + 2 * (filters + indexes) + merge + CALLS_BYTES
}

interface Sample {
  readonly heapUsed: number
  readonly external: number
  readonly arrayBuffers: number
}

/** What the child says. */
export interface LoadReport {
  readonly before: Sample
  readonly peak: Sample
  readonly after: Sample
  readonly samples: number
  readonly count: number
}

/** Bytes that a sample has in use beyond another: heap, and array buffers, shared ones among them. */
export function growth(from: Sample, to: Sample): number {
  const beside = Math.max(to.external - from.external, to.arrayBuffers - from.arrayBuffers)
  return to.heapUsed - from.heapUsed + beside
}

/** Loads `rows` rows in a process of its own. REQUIRES: the package is built. */
export async function load(
  limits: Partial<Record<LimitName, number>>,
  rows: number,
  rowsPerSample: number,
): Promise<LoadReport> {
  const parent = mkdtempSync(path.join(tmpdir(), 'strictkv-memory-'))
  const library = path.join(__dirname, '../../dist/index.js')
  const args = [library, path.join(parent, 'db'), JSON.stringify({ durability: 'os', ...limits }), String(rows), String(rowsPerSample)] // prettier-ignore
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
