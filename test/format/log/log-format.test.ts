/** The log's format as it was frozen: its files open, its documented example is what the code reads and writes. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { decodeBatch, encodeBatch } from '../../../src/storage/rows/batch-codec'
import type { Batch } from '../../../src/storage/engine'
import { ENTRY_DELETE, ENTRY_DELETE_RANGE, ENTRY_PUT } from '../../../src/storage/engine'
import {
  decodeFrameHeader,
  decodeSegmentHeader,
  encodeFrame,
  encodeSegmentHeader,
  isFrameIntact,
} from '../../../src/storage/log/log-format'
import { recoverLog } from '../../../src/storage/log/log-reader'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import type { Expected } from './fixtures'
import { FIXTURES, readFixture, toPlain } from './fixtures'

async function recovered(name: string, cleanEnd: Expected['cleanEnd']): Promise<Expected['commits']> {
  const { expected, image } = readFixture(name)
  const runtime = createMemoryRuntime({ files: image })
  const commits: Expected['commits'][number][] = []
  const source = { directory: '/db', numbers: expected.segments }
  const found = await recoverLog(runtime, source, { afterSequence: 0, cleanEnd }, (sequence, batch) =>
    commits.push({ sequence, batch: toPlain(batch) }),
  )
  expect(found.torn).toBeUndefined()
  if (cleanEnd !== undefined) expect(found.end).toEqual(cleanEnd)
  return commits
}

describe('frozen files', () => {
  const names = readdirSync(FIXTURES).sort()

  test('are there for version 1: a closed log and one cut off', () => {
    expect(names).toEqual(expect.arrayContaining(['v1-closed', 'v1-cut-off']))
  })

  test.each(names)('%s opens and holds what it held', async (name) => {
    const { expected } = readFixture(name)
    expect(expected.segments.length).toBeGreaterThan(2)
    expect(await recovered(name, expected.cleanEnd)).toEqual(expected.commits)
    expect(await recovered(name, undefined)).toEqual(expected.commits)
  })
})

describe('the example in docs/FORMATS.md', () => {
  const document = readFileSync(path.join(__dirname, '../../../docs/FORMATS.md'), 'utf8')
  const nonce = { low: 0x89abcdef, high: 0x01234567 }
  const batch: Batch = [
    { kind: ENTRY_DELETE_RANGE, key: 'c', value: undefined, end: 'd' },
    { kind: ENTRY_PUT, key: 'alice', value: Buffer.from('on call'), end: undefined },
    { kind: ENTRY_DELETE, key: 'bob', value: undefined, end: undefined },
  ]
  const frameHeader = {
    nonce,
    segment: 42,
    ordinal: 0,
    offset: 4096,
    frameBytes: 512,
    payloadBytes: 40,
    commits: 1,
    firstSequence: 4_294_967_303,
    lastSequence: 4_294_967_303,
    previousChecksum: 0x5eed5eed,
    promise: { segment: 41, offset: 1_044_480 },
  }

  /** The bytes of the dump that follows the marker; what it does not show is zero. */
  function dump(marker: string): Buffer {
    const [, name, size] = new RegExp(`<!-- example: (${marker}), (\\d+) bytes -->`).exec(document) ?? []
    if (name === undefined) throw new Error(`docs/FORMATS.md has no example of a ${marker}`)
    const text = document.slice(document.indexOf(`example: ${marker}`))
    const block = text.slice(text.indexOf('```text'), text.indexOf('```\n', text.indexOf('```text') + 7))
    const bytes = Buffer.alloc(Number(size))
    for (const [, at, hex] of block.matchAll(/^([0-9a-f]{4}) {2}((?:[0-9a-f]{2} ){15}[0-9a-f]{2}) /gm)) {
      Buffer.from(hex!.replaceAll(' ', ''), 'hex').copy(bytes, Number.parseInt(at!, 16))
    }
    return bytes
  }

  test('of a segment header is what is written and read', () => {
    const page = Buffer.alloc(4096)
    encodeSegmentHeader({ number: 42, nonce }, page)
    expect(dump('segment header')).toEqual(page)
    expect(decodeSegmentHeader(dump('segment header'))).toEqual({ kind: 'valid', number: 42, nonce })
  })

  test('of a frame is what is written and read', () => {
    const frame = Buffer.alloc(512)
    expect(encodeBatch(batch, frame, 72)).toBe(72 + frameHeader.payloadBytes)
    encodeFrame(frameHeader, frame)
    const shown = dump('frame')
    expect(shown).toEqual(frame)
    expect(isFrameIntact(shown, 512)).toBe(true)
    const place = { header: { number: 42, nonce }, offset: 4096, fileBytes: 65_536 }
    expect(decodeFrameHeader(shown, place)).toEqual(frameHeader)
    expect(toPlain(decodeBatch(shown, 72, 112)!.batch)).toEqual(toPlain(batch))
  })
})
