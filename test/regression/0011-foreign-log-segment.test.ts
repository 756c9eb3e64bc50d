/**
 * A log segment of another database, of the same number, was replayed as if it were this one's: it verifies alone, and nothing
 * said whose it was. Also: damage to a segment that a clean close had ended in was blamed on the segment prepared behind it.
 */
import { CorruptionError } from '../../src/base/errors'
import { createLimits } from '../../src/base/limits'
import type { LsmEngine } from '../../src/storage/lsm-engine'
import { openLsmEngine } from '../../src/storage/lsm-engine'
import { ENTRY_PUT, batchBytes } from '../../src/storage/engine'
import type { DurableImage } from '../support/memory-runtime/durable-image'
import { createMemoryRuntime } from '../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../support/memory-runtime/memory-runtime'

const limits = createLimits({ segmentBytesMin: 32 * 1024, segmentBytesMax: 32 * 1024, transactionBytesMax: 8 * 1024, reserveBytes: 0 }) // prettier-ignore
const SEGMENT = '/data/db/0000000001.log'

function openAt(runtime: MemoryRuntime): Promise<LsmEngine> {
  return openLsmEngine(runtime, '/data/db', { limits, create: true, readOnly: false, ioMode: 'thread' })
}

/** A disk with one database on it that has committed `value`. */
async function diskOf(seed: number, value: string, close: boolean): Promise<DurableImage> {
  const runtime = createMemoryRuntime({ seed })
  const engine = await openAt(runtime)
  engine.attach({ onPublished: () => undefined, onPoisoned: () => undefined, liveSnapshots: () => [] })
  const batch = [{ kind: ENTRY_PUT, key: 'a', value: Buffer.from(value), end: undefined } as const]
  await engine.reserve(batchBytes(batch), false)
  engine.append(batch, batchBytes(batch), 1, 'sync')
  await engine.sync()
  if (close) await engine.close()
  return runtime.durableImage('synced-only')
}

function withSegment(image: DurableImage, bytes: Uint8Array): DurableImage {
  return { ...image, files: new Map([...image.files, [SEGMENT, bytes]]) }
}

test("another database's log segment is refused by name", async () => {
  const [mine, other] = [await diskOf(1, 'mine', false), await diskOf(2, 'other', false)]
  const runtime = createMemoryRuntime({ files: withSegment(mine, other.files.get(SEGMENT)!) })
  const refusal = await openAt(runtime).catch((error: unknown) => error)
  expect(refusal).toBeInstanceOf(CorruptionError)
  expect((refusal as CorruptionError).message).toMatch(/0000000001\.log.*belongs to another database/)
  const again = await openAt(createMemoryRuntime({ files: mine }))
  expect(String(await again.get('a', 1))).toBe('mine')
  await again.close()
})

test('after a clean close, frames that are gone are missed in the segment where the log ended', async () => {
  const image = await diskOf(1, 'mine', true)
  const runtime = createMemoryRuntime({ files: withSegment(image, image.files.get(SEGMENT)!.slice(0, 4096)) })
  await expect(openAt(runtime)).rejects.toThrow(/0000000001\.log" is damaged at offset 4096/)
})
