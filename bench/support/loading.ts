/**
 * Loads rows through transactions in random order, and says what they take in memory.
 */
import type { Database, Durability, OpenOptions } from 'strictkv'
import type { Sample } from './figures'
import { KEY_BYTES, VALUE_BYTES, createRandom, keyOf, shuffledOrdinals } from './keys'

/** Rows of one transaction. */
const ROWS_PER_TRANSACTION = 1_000
const SEED = 7
const MIB = 1024 * 1024
/** More than any row costs in memory or log. */
const ROW_BYTES_MAX = 512

/** Options under which `rows` rows stay in the memtable until they are flushed by hand. */
export function rowsInMemory(rows: number): OpenOptions {
  const bytes = Math.max(32 * MIB, Math.min(1024 * MIB, rows * ROW_BYTES_MAX))
  return { memtableBytesMax: bytes, walBytesMax: 4 * bytes }
}

/** What is loaded, and how. */
export interface LoadOptions {
  readonly rows: number
  /** Flushes after so many of them. */
  readonly flushAfter?: number
  readonly rowsPerTransaction?: number
  /** Of its transactions; the database's own unless given. */
  readonly durability?: Durability
  /** The order in which they are loaded, if it was made before. */
  readonly ordinals?: Uint32Array
}

/** The order in which `rows` rows are loaded. */
export function loadOrder(rows: number): Uint32Array {
  return shuffledOrdinals(rows, createRandom(SEED))
}

/** Loads. Gives rows per second, the flush apart. */
export async function loadRows(db: Database, options: LoadOptions): Promise<number> {
  const {
    rows,
    flushAfter = -1,
    rowsPerTransaction = ROWS_PER_TRANSACTION,
    ordinals = loadOrder(options.rows),
  } = options
  const value = Buffer.alloc(VALUE_BYTES)
  let elapsedMs = 0
  let sinceMs = performance.now()
  for (let row = 0; row < rows;) {
    const tx = db.begin(options.durability === undefined ? undefined : { durability: options.durability })
    const end = Math.min(rows, row + rowsPerTransaction, row < flushAfter ? flushAfter : rows)
    for (; row < end; row++) {
      const ordinal = ordinals[row]!
      value.writeUInt32LE(ordinal)
      tx.put(keyOf(ordinal), value)
    }
    await tx.commit()
    if (row === flushAfter) {
      elapsedMs += performance.now() - sinceMs
      await db.flush()
      sinceMs = performance.now()
    }
  }
  elapsedMs += performance.now() - sinceMs
  return (rows * 1000) / elapsedMs
}

/** Memory of this process, in MiB, after everything unreachable has been collected. */
export interface MemoryFigures {
  readonly heap: number
  readonly external: number
  readonly arrayBuffers: number
  readonly rss: number
}

/** As it is now. REQUIRES: node was started with --expose-gc. */
export async function memoryNow(): Promise<MemoryFigures> {
  const collect = (globalThis as { gc?: () => void }).gc
  if (collect === undefined) throw new Error('Cannot measure memory: node was started without --expose-gc')
  // Memory outside the heap is given back a turn after what held it has gone.
  for (let pass = 0; pass < 3; pass++) {
    collect()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage()
  return { heap: heapUsed / MIB, external: external / MIB, arrayBuffers: arrayBuffers / MIB, rss: rss / MIB }
}

/** What `rows` rows added from `before` to `after`, in MiB per million rows, as metrics named with `prefix`. */
export function memoryMetrics(prefix: string, before: MemoryFigures, after: MemoryFigures, rows: number): Sample {
  const scale = 1_000_000 / rows
  return {
    [`${prefix}HeapMiB`]: (after.heap - before.heap) * scale,
    [`${prefix}ExternalMiB`]: (after.external - before.external) * scale,
    [`${prefix}ArrayBuffersMiB`]: (after.arrayBuffers - before.arrayBuffers) * scale,
    [`${prefix}RssMiB`]: (after.rss - before.rss) * scale,
  }
}

/** Bytes of `rows` rows themselves, in MiB per million. */
export const ROW_MIB_PER_MILLION = ((KEY_BYTES + VALUE_BYTES) * 1_000_000) / MIB
