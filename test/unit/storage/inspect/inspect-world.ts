/** What the tests of looking inside share: a store in memory with known contents, its files, and ways to hurt them. */
import { createLimits } from '../../../../src/base/limits'
import type { Limits } from '../../../../src/base/limits'
import { ENTRY_DELETE, ENTRY_DELETE_RANGE, ENTRY_PUT, batchBytes } from '../../../../src/storage/engine'
import type { Batch, BatchEntry } from '../../../../src/storage/engine'
import type { IndexMode } from '../../../../src/storage/table/index-mode'
import { openLsmEngine } from '../../../../src/storage/lsm-engine'
import type { LsmEngine } from '../../../../src/storage/lsm-engine'
import type { DurableImage } from '../../../support/memory-runtime/durable-image'
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../../../support/memory-runtime/memory-runtime'

export const DIRECTORY = '/data/db'
const KiB = 1024

/** Small files; nothing is merged unless a test asks for it, and the log is never idle for long enough to say so. */
const LIMITS = {
  transactionBytesMax: 32 * KiB,
  memtableBytesMax: 256 * KiB,
  walBytesMax: 4096 * KiB,
  segmentBytesMin: 64 * KiB,
  segmentBytesMax: 64 * KiB,
  blockBytes: 256,
  blockCacheBytesMax: 16 * KiB,
  levelZeroTablesMax: 64,
  levelZeroTablesStall: 100,
  reserveBytes: 0,
  manifestRoomBytes: 512 * KiB,
  logIdleMs: 3_600_000,
  restMs: 86_400_000,
}

export const put = (key: string, value: string | Buffer): BatchEntry => ({ kind: ENTRY_PUT, key, value: Buffer.from(value), end: undefined }) // prettier-ignore
export const remove = (key: string): BatchEntry => ({ kind: ENTRY_DELETE, key, value: undefined, end: undefined })
export const removeRange = (key: string, end?: string): BatchEntry => ({ kind: ENTRY_DELETE_RANGE, key, value: undefined, end }) // prettier-ignore

/** A store, and how to write to it. */
export interface World {
  readonly runtime: MemoryRuntime
  readonly engine: LsmEngine
  /** Commits and syncs; the sequence. */
  commit(...batch: Batch): Promise<number>
  /** The disk as it is now; the world goes on. */
  image(): DurableImage
}

/** Opens a store on a disk, a new one unless given. */
export async function openWorld(
  options: {
    readonly files?: DurableImage
    readonly limits?: Partial<Limits>
    readonly indexMode?: IndexMode
    readonly codec?: 'deflate'
  } = {},
): Promise<World> {
  const { files, limits, indexMode, codec } = options
  const runtime = createMemoryRuntime({ seed: 5, ...(files === undefined ? {} : { files }) })
  const engine = await openLsmEngine(runtime, DIRECTORY, {
    limits: createLimits({ ...LIMITS, ...limits }),
    create: true,
    readOnly: false,
    ioMode: 'thread',
    ...(indexMode === undefined ? {} : { indexMode }),
    ...(codec === undefined ? {} : { codec }),
  })
  // The store alone decides what is needed: no snapshot is open but the published one.
  engine.attach({ onPublished: () => undefined, onPoisoned: () => undefined, liveSnapshots: () => [] })
  let last = engine.recoveredSequence
  const commit = async (...batch: Batch): Promise<number> => {
    const bytes = batchBytes(batch)
    await engine.reserve(bytes, false)
    engine.append(batch, bytes, ++last, 'sync')
    await engine.sync()
    return last
  }
  return { runtime, engine, commit, image: () => runtime.durableImage('everything') }
}

/** A world in which nobody has the disk open. */
export function reboot(files: DurableImage): MemoryRuntime {
  return createMemoryRuntime({ seed: 9, files })
}

/** Everything that a list gives. */
export async function listed<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

/** The items of one kind. */
export function ofKind<Item extends { readonly kind: string }, Kind extends Item['kind']>(
  items: readonly Item[],
  kind: Kind,
): Extract<Item, { readonly kind: Kind }>[] {
  return items.filter((item): item is Extract<Item, { readonly kind: Kind }> => item.kind === kind)
}

/** The path of a file of the image, by the end of its name. */
export function pathOf(image: DurableImage, ending: string): string {
  const found = [...image.files.keys()].filter((path) => path.startsWith(`${DIRECTORY}/`) && path.endsWith(ending))
  if (found.length !== 1) throw new Error(`${found.length} files end with ${ending}`)
  return found[0]!
}

/** The image with the bytes of one file changed; undefined: without it. */
export function changed(
  image: DurableImage,
  path: string,
  change: (bytes: Buffer) => Uint8Array | undefined,
): DurableImage {
  const files = new Map(image.files)
  const bytes = change(Buffer.from(image.files.get(path)!))
  if (bytes === undefined) files.delete(path)
  else files.set(path, bytes)
  return { ...image, files }
}

/** A byte of the file with another value. */
export const flip =
  (offset: number, bits = 0x40) =>
  (bytes: Buffer): Buffer => {
    bytes[offset]! ^= bits
    return bytes
  }

/** As text, so that what is expected can be read. */
export function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('latin1')
}
