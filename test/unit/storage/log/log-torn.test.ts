/** Where a log ends: a torn tail opens without help, damage to acknowledged commits is refused by name. */
import { CorruptionError } from '../../../../src/base/errors'
import { segmentFileName } from '../../../../src/storage/log/log-format'
import { DIRECTORY } from './log-world'
import type { Recovered } from './log-world'
import { finishedLog, tryRecover, withSegment } from './log-images'
import type { FinishedLog } from './log-images'

/** Sequences recovered; throws where recovery refused. */
function lastOf(found: Recovered | Error): number {
  if (found instanceof Error) throw found
  expect(found.applied.map(({ sequence }) => sequence)).toEqual(found.applied.map((_, index) => index + 1))
  return found.lastSequence
}

function fileOf(segment: number): string {
  return `${DIRECTORY}/${segmentFileName(segment)}`
}

describe('the tail of a log that was not closed', () => {
  let log: FinishedLog
  beforeAll(async () => {
    log = await finishedLog({ groups: 3, perGroup: 2, valueBytes: 1100 })
  })

  test('cut at every byte of its last frames opens, and holds the whole frames before the cut', async () => {
    const segment = log.frames.at(-1)!.segment
    const inSegment = log.frames.filter((frame) => frame.segment === segment)
    expect(inSegment.length).toBeGreaterThanOrEqual(2)
    const lastTwo = inSegment.slice(-2)
    for (let cut = lastTwo[0]!.offset; cut <= lastTwo[1]!.offset + lastTwo[1]!.bytes; cut++) {
      const whole = log.frames.filter((frame) => frame.segment < segment || frame.offset + frame.bytes <= cut)
      const found = await tryRecover(
        log,
        withSegment(log.image, segment, (bytes) => bytes.slice(0, cut)),
      )
      expect([cut, lastOf(found)]).toEqual([cut, whole.at(-1)!.lastSequence])
    }
  })

  test('zeroed from every byte of its last frame on opens, and holds what came before', async () => {
    const last = log.frames.at(-1)!
    for (let cut = last.offset; cut < last.offset + last.bytes; cut++) {
      const found = await tryRecover(
        log,
        withSegment(log.image, last.segment, (bytes) => bytes.fill(0, cut)),
      )
      // The padding of a frame is zeros anyway.
      const isWhole = cut >= last.offset + 72 + last.payloadBytes
      expect([cut, lastOf(found)]).toEqual([cut, isWhole ? last.lastSequence : last.lastSequence - 2])
      if (cut === last.offset) expect((found as Recovered).torn).toBeUndefined()
      else if (!isWhole) expect((found as Recovered).torn).toEqual({ file: fileOf(last.segment), offset: last.offset })
    }
  })

  test('with the last group damaged is torn there: nothing bears witness to it yet', async () => {
    const last = log.frames.at(-1)!
    for (let at = last.offset; at < last.offset + last.bytes; at += 97) {
      const found = await tryRecover(
        log,
        withSegment(log.image, last.segment, (bytes) => flipped(bytes, at)),
      )
      expect(lastOf(found)).toBe(last.lastSequence - 2)
    }
  })
})

describe('acknowledged frames', () => {
  test('are refused with any byte flipped, file and offset named, but for the last group of a log not closed', async () => {
    const log = await finishedLog({ groups: 4, perGroup: 2 })
    for (const frame of log.frames.slice(0, -1)) await expectEveryFlipRefused(log, frame)
  })

  test('are refused with any byte flipped, the last group too, after a clean close', async () => {
    const log = await finishedLog({ groups: 3, perGroup: 2, close: true })
    for (const frame of log.frames) await expectEveryFlipRefused(log, frame)
    const end = { ...log.cleanEnd!, bytes: 4096, lastSequence: 6 }
    await expectEveryFlipRefused(log, { ...end, offset: end.offset - 4096 })
  })

  test('are refused when a segment is cut short of them', async () => {
    const log = await finishedLog({ groups: 4, perGroup: 2 })
    const [first, second] = log.frames
    const found = await tryRecover(
      log,
      withSegment(log.image, first!.segment, (bytes) => bytes.slice(0, first!.offset + 100)),
    )
    expect(found).toMatchObject({ code: 'CORRUPTION', file: fileOf(first!.segment), offset: first!.offset })
    expect(second!.segment).toBeLessThan(log.frames.at(-1)!.segment)
  })

  test('are refused when they were zeroed, alone or with all before them', async () => {
    const log = await finishedLog({ groups: 5, perGroup: 1 })
    const last = log.frames.at(-1)!
    for (const frame of log.frames.slice(0, -1)) {
      const zeroed = withSegment(log.image, frame.segment, (bytes) =>
        bytes.fill(0, frame.offset, frame.offset + frame.bytes),
      )
      expect(await tryRecover(log, zeroed)).toMatchObject({ code: 'CORRUPTION', offset: frame.offset })
    }
    const allZero = log.named.reduce(
      (image, segment) =>
        withSegment(image, segment, (bytes) => bytes.fill(0, 4096, segment === last.segment ? last.offset : undefined)),
      log.image,
    )
    expect(await tryRecover(log, allZero)).toMatchObject({ code: 'CORRUPTION', offset: log.frames[0]!.offset })
  })

  test('are refused when frames were exchanged or an old one stands in the place of a new one', async () => {
    const log = await finishedLog({ groups: 3, perGroup: 1 })
    const [first, second] = log.frames
    expect(second!.segment).toBe(first!.segment)
    const stale = withSegment(log.image, first!.segment, (bytes) => {
      bytes.copyWithin(second!.offset, first!.offset, first!.offset + first!.bytes)
      return bytes
    })
    expect(await tryRecover(log, stale)).toMatchObject({ code: 'CORRUPTION', offset: second!.offset })
  })
})

describe('a clean end on record', () => {
  test('is corruption when the log is shorter, longer or of another life', async () => {
    const log = await finishedLog({ groups: 3, perGroup: 1, close: true })
    const end = log.cleanEnd!
    for (const [name, cleanEnd] of [
      ['longer', { ...end, offset: end.offset + 4096 }],
      ['shorter', { ...end, offset: end.offset - 4096 }],
      ['another checksum', { ...end, checksum: (end.checksum ^ 1) >>> 0 }],
      ['another sequence', { ...end, sequence: end.sequence + 1 }],
      ['another segment', { ...end, segment: end.segment + 1 }],
    ] as const) {
      expect([name, await tryRecover({ named: log.named, cleanEnd }, log.image)]).toEqual([
        name,
        expect.any(CorruptionError),
      ])
    }
    expect(await tryRecover(log, log.image)).toMatchObject({ end: log.cleanEnd })
  })
})

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  bytes[at] = bytes[at]! ^ (1 << (at % 8))
  return bytes
}

async function expectEveryFlipRefused(
  log: FinishedLog,
  frame: { segment: number; offset: number; bytes: number },
): Promise<void> {
  for (let at = frame.offset; at < frame.offset + frame.bytes; at++) {
    const found = await tryRecover(
      log,
      withSegment(log.image, frame.segment, (bytes) => flipped(bytes, at)),
    )
    if (!(found instanceof CorruptionError) || found.offset !== frame.offset || found.file !== fileOf(frame.segment)) {
      throw new Error(
        `byte ${at} of segment ${frame.segment} flipped: ${found instanceof Error ? found.message : 'accepted'}`,
      )
    }
  }
}
