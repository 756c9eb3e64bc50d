/** Segments that nobody wrote so: each is a typed error that names the file, and none asks for more memory than it has. */
import { CorruptionError, UnsupportedFormatError } from '../../../../src/base/errors'
import { batchBytes } from '../../../../src/storage/engine'
import type { Batch } from '../../../../src/storage/engine'
import { BATCH_HEADER_BYTES, encodeBatch } from '../../../../src/storage/rows/batch-codec'
import { encodeFrame, encodeSegmentHeader, segmentFileName } from '../../../../src/storage/log/log-format'
import type { FrameHeader } from '../../../../src/storage/log/log-format'
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import { finishedLog, tryRecover, withSegment } from './log-images'
import type { FinishedLog } from './log-images'
import { deleteBatch, DIRECTORY, recover } from './log-world'
import type { Recovered } from './log-world'

const FILE = `${DIRECTORY}/${segmentFileName(1)}`
const nonce = { low: 1, high: 2 }

/** A segment written by hand: a true header, then the frames given, one behind the other. */
function handmade(
  frames: readonly Partial<FrameHeader & { batches: readonly Batch[] }>[],
  fileBytes = 64 * 1024,
): Uint8Array {
  const bytes = Buffer.alloc(fileBytes)
  encodeSegmentHeader({ number: 1, nonce }, bytes)
  let offset = 4096
  let checksum = 0
  let sequence = 0
  for (const [ordinal, frame] of frames.entries()) {
    const batches = frame.batches ?? [deleteBatch(sequence + 1)]
    const memory = Buffer.alloc(4096)
    let end = 72
    for (const batch of batches) end = encodeBatch(batch, memory, end)
    const firstSequence = sequence + 1
    sequence += batches.length
    const header: FrameHeader = {
      nonce,
      segment: 1,
      ordinal,
      offset,
      frameBytes: 4096,
      payloadBytes: end - 72,
      commits: batches.length,
      firstSequence,
      lastSequence: sequence,
      previousChecksum: checksum,
      promise: { segment: 1, offset },
      ...frame,
    }
    checksum = encodeFrame(header, memory)
    memory.copy(bytes, offset)
    offset += 4096
  }
  return bytes
}

async function recovered(bytes: Uint8Array, afterSequence = 0): Promise<Recovered | Error> {
  const runtime = createMemoryRuntime({ files: { directories: [DIRECTORY], files: new Map([[FILE, bytes]]) } })
  return recover(runtime, [1], { afterSequence }).catch((error: unknown) => error as Error)
}

test('what is written by hand as the log writes it is accepted', async () => {
  expect(await recovered(handmade([{}, {}, { batches: [] }, {}]))).toMatchObject({ lastSequence: 3, frames: 4 })
})

describe('a frame that matches its checksum and does not belong', () => {
  test.each([
    ['out of order', { ordinal: 7 }, 'frame 7 stands where frame 1 belongs'],
    ['chained to another', { previousChecksum: 99 }, 'does not continue'],
    ['with a gap before it', { firstSequence: 9, lastSequence: 9 }, 'commits before 9 are missing'],
    ['with commits told twice', { firstSequence: 1, lastSequence: 1 }, 'commits before 1 are missing'],
    ['with another count', { commits: 5 }, 'counts 5 commits'],
    ['with sequences beyond counting', { firstSequence: 2 ** 53 - 1 + 1, lastSequence: 2 ** 53 }, 'counts 1 commits'],
    ['with a promise about what follows', { promise: { segment: 1, offset: 8193 } }, 'promises more'],
    ['with a promise about a later segment', { promise: { segment: 2, offset: 0 } }, 'promises more'],
  ] as const)('%s is refused', async (_name, change, message) => {
    const found = await recovered(handmade([{}, change]))
    expect(found).toBeInstanceOf(CorruptionError)
    expect(found).toMatchObject({ file: FILE, offset: 8192, message: expect.stringContaining(message) as string })
  })

  test.each([
    ['a payload longer than its commits', { payloadBytes: 500 }],
    ['a payload shorter than its commits', { payloadBytes: 10 }],
    ['no payload', { payloadBytes: 0 }],
  ])('%s is refused', async (_name, change) => {
    const found = await recovered(handmade([{}, change]))
    expect(found).toBeInstanceOf(CorruptionError)
    expect((found as CorruptionError).offset).toBeGreaterThanOrEqual(8192)
  })

  test('a first frame that begins too late is refused: the commits between are missing', async () => {
    const late = handmade([{ firstSequence: 5, lastSequence: 5 }])
    expect(await recovered(late)).toMatchObject({ code: 'CORRUPTION', offset: 4096 })
    expect(await recovered(late, 3)).toMatchObject({ code: 'CORRUPTION' })
    expect(await recovered(late, 4)).toMatchObject({ lastSequence: 5, commits: 1 })
    expect(await recovered(late, 9)).toMatchObject({ lastSequence: 9, commits: 0 })
  })
})

describe('a length that is a lie', () => {
  test.each([
    ['frame', 28],
    ['payload', 32],
  ])('of the %s allocates nothing: the frame is a torn tail', async (_name, at) => {
    const bytes = Buffer.from(handmade([{}, {}]))
    bytes.writeUInt32LE(0xfffffe00, 8192 + at)
    const allocated = jest.spyOn(Buffer, 'allocUnsafeSlow')
    const found = await recovered(bytes)
    const sizes = allocated.mock.calls.map(([size]) => size)
    allocated.mockRestore()
    expect(found).toMatchObject({ lastSequence: 1, torn: { file: FILE, offset: 8192 } })
    expect(Math.max(...sizes)).toBeLessThanOrEqual(bytes.length)
  })

  test('of an entry is refused although the checksum matches', async () => {
    const batch = deleteBatch(1)
    const memory = Buffer.alloc(BATCH_HEADER_BYTES + batchBytes(batch))
    encodeBatch(batch, memory, 0)
    const bytes = Buffer.from(handmade([{}]))
    bytes.writeUInt16LE(0xffff, 4096 + 72 + BATCH_HEADER_BYTES + 1)
    const header = {
      nonce, segment: 1, ordinal: 0, offset: 4096, frameBytes: 4096, payloadBytes: bytes.readUInt32LE(4096 + 32), commits: 1, firstSequence: 1, lastSequence: 1, previousChecksum: 0, promise: { segment: 1, offset: 4096 },
    } // prettier-ignore
    encodeFrame(header, bytes.subarray(4096, 8192))
    expect(await recovered(bytes)).toMatchObject({ code: 'CORRUPTION', offset: 4096 + 72 })
  })
})

describe('a file that is no segment of this log', () => {
  let log: FinishedLog
  beforeAll(async () => {
    log = await finishedLog({ groups: 6, perGroup: 1 })
  })

  const refusedAs = async (
    change: (bytes: Uint8Array) => Uint8Array | undefined,
    error: typeof CorruptionError | typeof UnsupportedFormatError,
    message: string,
  ): Promise<void> => {
    for (const segment of log.named.slice(0, 3)) {
      const found = await tryRecover(log, withSegment(log.image, segment, change))
      expect(found).toBeInstanceOf(error)
      expect((found as Error).message).toContain(segmentFileName(segment))
      expect((found as Error).message).toContain(message)
    }
  }

  test('a missing one is refused by name', () => refusedAs(() => undefined, CorruptionError, 'it is missing'))
  test('an empty one', () => refusedAs(() => new Uint8Array(0), CorruptionError, 'it ends after 0 bytes'))
  test('one cut within its header', () =>
    refusedAs((bytes) => bytes.slice(0, 4095), CorruptionError, 'it ends after 4095 bytes'))
  test('a foreign file', () =>
    refusedAs(() => new Uint8Array(Buffer.alloc(20_000, 'not a log ')), CorruptionError, 'does not begin as'))
  test('one of zeros', () => refusedAs((bytes) => bytes.fill(0), CorruptionError, 'does not begin as'))
  test('one of a later version', () =>
    refusedAs(
      (bytes) => {
        Buffer.from(bytes.buffer).writeUInt32LE(9, 8)
        Buffer.from(bytes.buffer).writeUInt32LE(1234, 12)
        return bytes
      },
      UnsupportedFormatError,
      'its log format is 9',
    ))

  test('another segment under its name', async () => {
    const [first, second] = log.named
    const other = log.image.files.get(`${DIRECTORY}/${segmentFileName(second!)}`)!
    const found = await tryRecover(
      log,
      withSegment(log.image, first!, () => other),
    )
    expect(found).toMatchObject({ code: 'CORRUPTION', offset: 0 })
  })

  test('a directory under its name', async () => {
    const path = `${DIRECTORY}/${segmentFileName(1)}`
    const runtime = createMemoryRuntime({ files: { directories: [DIRECTORY, path], files: new Map() } })
    await expect(recover(runtime, [1])).rejects.toMatchObject({ code: 'CORRUPTION', file: path })
  })

  test('a segment of another life, header and all, does not continue this one', async () => {
    const other = await finishedLog({ groups: 6, perGroup: 2 })
    const [, second] = log.named
    const foreign = other.image.files.get(`${DIRECTORY}/${segmentFileName(second!)}`)!
    const found = await tryRecover(
      log,
      withSegment(log.image, second!, () => foreign),
    )
    expect(found).toBeInstanceOf(CorruptionError)
  })
})

test('no segments are an empty log', async () => {
  const runtime = createMemoryRuntime({ files: { directories: [DIRECTORY], files: new Map() } })
  expect(await recover(runtime, [], { afterSequence: 5 })).toMatchObject({ lastSequence: 5, end: undefined, frames: 0 })
})

test('an error of reading is passed on, and an error of applying too', async () => {
  const log = await finishedLog({ groups: 2, perGroup: 1 })
  const failing = createMemoryRuntime({
    files: log.image,
    inject: (call) => (call.operation === 'read' ? 'EIO' : undefined),
  })
  await expect(recover(failing, log.named)).rejects.toMatchObject({ code: 'IO' })
})
