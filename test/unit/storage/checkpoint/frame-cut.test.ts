/** What is cut out of a frame: the commits wanted, by their bytes, and nothing of a frame that contradicts itself. */
import { FrameReader } from '../../../../src/storage/log/log-frame-reader'
import type { IntactFrame } from '../../../../src/storage/log/log-frame-reader'
import { FRAME_HEADER_BYTES, SEGMENT_HEADER_BYTES } from '../../../../src/storage/log/log-format'
import { decodeBatch } from '../../../../src/storage/rows/batch-codec'
import { cutFrame } from '../../../../src/storage/checkpoint/frame-cut'
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import { writeSegments } from './log-world'

/** A frame with commits 5 to 5 + commits - 1. */
async function frameOf(commits: number): Promise<IntactFrame> {
  const runtime = createMemoryRuntime({ seed: 1 })
  await runtime.files.createDirectory('/log')
  await writeSegments(runtime, '/log', [[commits]], { first: 5 })
  const reader = await FrameReader.open(runtime, '/log', 1)
  const frame = (await reader.frameAt(SEGMENT_HEADER_BYTES))!
  const bytes = Buffer.from(frame.bytes)
  await reader.close()
  return { ...frame, bytes }
}

/** The sequences of the commits in a stretch, by their keys. */
function keysIn(frame: IntactFrame, start: number, end: number): string[] {
  const keys: string[] = []
  for (let at = start; at < end;) {
    const { batch, next } = decodeBatch(frame.bytes, at, end)!
    keys.push(batch[0]!.key)
    at = next
  }
  return keys
}

const damaged = (frame: IntactFrame, change: (copy: Buffer) => void): IntactFrame => {
  const bytes = Buffer.from(frame.bytes)
  change(bytes)
  return { ...frame, bytes }
}

describe('a frame is cut', () => {
  test('for every first and last commit that may be wanted of it', async () => {
    const frame = await frameOf(4)
    for (let first = 5; first <= 9; first++) {
      for (let last = first; last <= 10; last++) {
        const cut = cutFrame(frame, { first, last })
        if (first > 8) {
          expect(cut).toEqual({ kind: 'none' })
          continue
        }
        if (cut.kind !== 'cut') throw new Error(`${first} to ${last} gave ${cut.kind}`)
        expect([cut.first, cut.last]).toEqual([first, Math.min(last, 8)])
        const expected = Array.from({ length: cut.last - first + 1 }, (_, i) => `key ${first + i}`)
        expect(keysIn(frame, cut.start, cut.end)).toEqual(expected)
      }
    }
  })

  test('to nothing where it holds none of them, or no commits at all', async () => {
    expect(cutFrame(await frameOf(4), { first: 9, last: 20 })).toEqual({ kind: 'none' })
    expect(cutFrame(await frameOf(4), { first: 1, last: 4 })).toEqual({ kind: 'none' })
    expect(cutFrame(await frameOf(0), { first: 1, last: 20 })).toEqual({ kind: 'none' })
  })
})

describe('a frame is refused', () => {
  test('where commits before it are missing', async () => {
    const cut = cutFrame(await frameOf(2), { first: 4, last: 6 })
    expect(cut).toEqual({ kind: 'bad', why: 'commits before 5 are missing' })
  })

  test('where its header and its commits do not fit, or one of them is longer than all', async () => {
    const frame = await frameOf(3)
    const wrongCount = { ...frame, header: { ...frame.header, commits: 2 } }
    expect(cutFrame(wrongCount, { first: 5, last: 7 })).toMatchObject({ kind: 'bad', why: 'it counts 2 commits from 5 to 7' }) // prettier-ignore
    const tooLong = damaged(frame, (bytes) => bytes.writeUInt32LE(2 ** 31, FRAME_HEADER_BYTES))
    expect(cutFrame(tooLong, { first: 5, last: 7 })).toMatchObject({ kind: 'bad', why: 'commit 5 in it is malformed' })
    const empty = damaged(frame, (bytes) => bytes.writeUInt32LE(0, FRAME_HEADER_BYTES))
    expect(cutFrame(empty, { first: 5, last: 7 })).toMatchObject({ kind: 'bad', why: 'commit 5 in it is malformed' })
    const more = { ...frame, header: { ...frame.header, payloadBytes: frame.header.payloadBytes + 1 } }
    expect(cutFrame(more, { first: 5, last: 7 })).toMatchObject({ kind: 'bad', why: 'it holds more than its commits' })
    expect(cutFrame(more, { first: 5, last: 6 }).kind).toBe('cut')
  })
})
