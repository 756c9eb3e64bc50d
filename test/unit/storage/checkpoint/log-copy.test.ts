/** Copies of a stretch of the log: exactly the commits that are wanted, in a log of its own that recovers without a doubt. */
import { CorruptionError } from '../../../../src/base/errors'
import type { LogCopy } from '../../../../src/storage/checkpoint/log-copy'
import { copyLog } from '../../../../src/storage/checkpoint/log-copy'
import { PAGE_BYTES, SEGMENT_HEADER_BYTES } from '../../../../src/storage/log/log-format'
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import type { Groups } from './log-world'
import { SEGMENT_BYTES_MAX, sequencesOf, writeSegments } from './log-world'

const MARK = 99

async function worldOf(
  segments: readonly Groups[],
  options: { readonly first?: number; readonly valueBytes?: number } = {},
): Promise<MemoryRuntime> {
  const runtime = createMemoryRuntime({ seed: 1 })
  for (const path of ['/log', '/copy']) await runtime.files.createDirectory(path)
  await writeSegments(runtime, '/log', segments, options)
  return runtime
}

function copy(
  runtime: MemoryRuntime,
  wanted: { readonly first: number; readonly last: number },
  options: {
    readonly numbers?: readonly number[]
    readonly mayLack?: number
    readonly segmentBytesMax?: number
    readonly names?: string[]
    readonly checkWanted?: () => void
  } = {},
): Promise<LogCopy> {
  const { numbers = [1, 2, 3], segmentBytesMax = SEGMENT_BYTES_MAX } = options
  const target = { directory: '/copy', firstSegment: 10, databaseMark: MARK, segmentBytesMax }
  return copyLog(runtime, { directory: '/log', numbers }, target, {
    wanted,
    mayLack: options.mayLack,
    onFile: (name) => void options.names?.push(name),
    checkWanted: options.checkWanted ?? (() => undefined),
  })
}

/** What a recovery finds of it, all in doubt being damage. */
function recovered(runtime: MemoryRuntime, made: LogCopy, after: number): Promise<number[]> {
  const source = { directory: '/copy', numbers: made.segments }
  return sequencesOf(runtime, source, { afterSequence: after, cleanEnd: made.end, databaseMark: MARK })
}

const numbersFrom = (first: number, last: number): number[] =>
  Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i)

describe('a copy of the log', () => {
  test('has the commits that are wanted and no others, wherever they begin and end in their groups', async () => {
    const segments: readonly Groups[] = [
      [2, 0, 3],
      [1, 4],
      [0, 2],
    ]
    for (let first = 1; first <= 12; first++) {
      for (let last = first; last <= 12; last++) {
        const runtime = await worldOf(segments)
        const made = await copy(runtime, { first, last })
        expect(await recovered(runtime, made, first - 1)).toEqual(numbersFrom(first, last))
        expect(made.end).toMatchObject({ segment: 10, sequence: last })
        expect(made.bytes).toBe(made.end!.offset)
      }
    }
  })

  test('is nothing where nothing is wanted, and reads nothing then', async () => {
    const runtime = await worldOf([[2]])
    const before = runtime.calls.length
    expect(await copy(runtime, { first: 3, last: 2 })).toEqual({ segments: [], end: undefined, bytes: 0 })
    expect(runtime.calls.length).toBe(before)
  })

  test('gathers small groups into one frame, synced, and nothing stands behind it', async () => {
    const runtime = await worldOf([Array.from({ length: 50 }, () => 1)], {})
    const names: string[] = []
    const made = await copy(runtime, { first: 1, last: 50 }, { numbers: [1], names })
    expect(made.end!.offset).toBe(SEGMENT_HEADER_BYTES + PAGE_BYTES)
    expect(names).toEqual(['0000000010.log'])
    await runtime.files.syncDirectory('/copy')
    await runtime.files.syncDirectory('/')
    expect(runtime.durableImage('synced-only').files.get('/copy/0000000010.log')?.length).toBe(made.end!.offset)
  })

  test('keeps a group whole that is larger than a frame is made', async () => {
    const runtime = await worldOf([[1, 3, 1]], { valueBytes: 700_000 })
    const made = await copy(runtime, { first: 1, last: 5 }, { numbers: [1] })
    expect(await recovered(runtime, made, 0)).toEqual([1, 2, 3, 4, 5])
  })

  test('goes on in further segments where one would grow too large', async () => {
    const runtime = await worldOf([[1, 1, 1, 1]], { valueBytes: 600_000 })
    const names: string[] = []
    const made = await copy(runtime, { first: 2, last: 4 }, { numbers: [1], segmentBytesMax: 1_000_000, names })
    expect(made.segments).toEqual([10, 11, 12])
    expect(names).toEqual(['0000000010.log', '0000000011.log', '0000000012.log'])
    expect(await recovered(runtime, made, 1)).toEqual([2, 3, 4])
  })

  test('is of another database: under the mark of the origin it is refused', async () => {
    const runtime = await worldOf([[3]])
    const made = await copy(runtime, { first: 1, last: 3 }, { numbers: [1] })
    const source = { directory: '/copy', numbers: made.segments }
    await expect(sequencesOf(runtime, source, { afterSequence: 0, databaseMark: 7 })).rejects.toThrow('another database') // prettier-ignore
  })

  test('may lack the last commit where that is said, and no other', async () => {
    const runtime = await worldOf([[3]])
    const made = await copy(runtime, { first: 1, last: 4 }, { numbers: [1], mayLack: 4 })
    expect(made.end?.sequence).toBe(3)
    expect(await recovered(runtime, made, 0)).toEqual([1, 2, 3])
    expect(await copy(runtime, { first: 4, last: 4 }, { numbers: [1], mayLack: 4 })).toMatchObject({ segments: [] })
    const fresh = await worldOf([[3]])
    await expect(copy(fresh, { first: 1, last: 5 }, { numbers: [1], mayLack: 5 })).rejects.toThrow(CorruptionError)
  })
})

describe('a copy of the log fails', () => {
  test('where a commit is missing, naming it', async () => {
    const runtime = await worldOf([[3], [2]])
    await expect(copy(runtime, { first: 1, last: 6 }, { numbers: [1, 2] })).rejects.toThrow(
      'Cannot copy the log: commit 6 is not to be found up to the end of "/log/0000000002.log"',
    )
    const fresh = await worldOf([[3], [2]])
    await expect(copy(fresh, { first: 1, last: 5 }, { numbers: [2] })).rejects.toThrow('commits before 4 are missing')
    await expect(copy(fresh, { first: 1, last: 1 }, { numbers: [] })).rejects.toThrow('commit 1 is not to be found')
  })

  test('where a frame is damaged, rather than leave its commits out', async () => {
    const runtime = await worldOf([[2, 2], [1]])
    const file = await runtime.files.open('/log/0000000001.log', 'write')
    await file.write(Buffer.from([1]), SEGMENT_HEADER_BYTES + PAGE_BYTES + 100)
    await file.close()
    await expect(copy(runtime, { first: 1, last: 5 }, { numbers: [1, 2] })).rejects.toThrow(CorruptionError)
    await expect(recovered(runtime, { segments: [1], end: undefined, bytes: 0 }, 0)).rejects.toThrow()
  })

  test('between two frames as soon as it is not wanted any more', async () => {
    const runtime = await worldOf([[1, 1, 1]])
    let checks = 0
    const checkWanted = (): void => {
      if (++checks === 3) throw new Error('not wanted')
    }
    await expect(copy(runtime, { first: 1, last: 3 }, { numbers: [1], checkWanted })).rejects.toThrow('not wanted')
  })
})
