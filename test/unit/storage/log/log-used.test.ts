import { segmentFileName } from '../../../../src/storage/log/log-format'
import { usedLogBytes } from '../../../../src/storage/log/log-used'
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../../../support/memory-runtime/memory-runtime'

const MiB = 1024 * 1024
const PAGE = 4096

/** A segment of so many bytes, of which the first `used` are not zero. */
async function createSegment(
  runtime: MemoryRuntime,
  number: number,
  [size, used]: readonly [number, number],
): Promise<void> {
  const file = await runtime.files.open(`/db/${segmentFileName(number)}`, 'create')
  await file.write(Buffer.alloc(size, 0), 0)
  if (used > 0) await file.write(Buffer.alloc(used, 1), 0)
  await file.close()
}

async function usedOf(...segments: readonly (readonly [number, number])[]): Promise<number> {
  const runtime = createMemoryRuntime({ seed: 1 })
  await runtime.files.createDirectory('/db')
  for (const [i, segment] of segments.entries()) await createSegment(runtime, i + 1, segment)
  const numbers = segments.map((_, i) => i + 1)
  return usedLogBytes(runtime, { directory: '/db', numbers: [...numbers, 99] })
}

describe('how much of a log has been written to', () => {
  it.each([
    ['all', 8 * MiB, 8 * MiB],
    ['nothing', 0, 0],
    ['the first page', PAGE, PAGE],
    ['some pages', 1234 * PAGE, 1234 * PAGE],
    ['a part of the last of some pages', 1233 * PAGE + 512, 1234 * PAGE],
  ])('of a large segment with %s in it is found to the page', async (_what, used, expected) => {
    expect(await usedOf([8 * MiB, used])).toBe(expected)
  })

  it('is the whole of small segments, the sum of all, and nothing of those that are missing', async () => {
    expect(await usedOf([MiB, 0])).toBe(MiB)
    expect(await usedOf([MiB, MiB], [4 * MiB, 4 * MiB], [8 * MiB, 3 * MiB])).toBe(8 * MiB)
    expect(await usedOf()).toBe(0)
  })

  it('is never more than the file has', async () => {
    expect(await usedOf([4 * MiB + 100, 4 * MiB + 100])).toBe(4 * MiB + 100)
  })
})
