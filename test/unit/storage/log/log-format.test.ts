/** The bytes of segments and frames: what is written verifies, and nothing else does. */
import {
  alignUp,
  comparePositions,
  decodeFrameHeader,
  decodeSegmentHeader,
  encodeFrame,
  encodeSegmentHeader,
  fileNameToSegment,
  FRAME_BYTES_MAX,
  FRAME_HEADER_BYTES,
  isFrameIntact,
  SEGMENT_HEADER_BYTES,
  segmentFileName,
} from '../../../../src/storage/log/log-format'
import type { FrameHeader } from '../../../../src/storage/log/log-format'

const segment = { number: 7, nonce: { low: 0xdeadbeef, high: 0x01020304 } }

const header: FrameHeader = {
  nonce: segment.nonce,
  segment: 7,
  ordinal: 3,
  offset: 8192,
  frameBytes: 1024,
  payloadBytes: 600,
  commits: 2,
  firstSequence: 2 ** 40 + 5,
  lastSequence: 2 ** 40 + 6,
  previousChecksum: 0xfffffffe,
  promise: { segment: 6, offset: 4096 },
}

function frame(change: Partial<FrameHeader> = {}): Buffer {
  const bytes = Buffer.alloc(2048, 0x55)
  encodeFrame({ ...header, ...change }, bytes)
  return bytes
}

describe('names of segments', () => {
  test('a number becomes ten digits and comes back', () => {
    expect(segmentFileName(42)).toBe('0000000042.log')
    expect(fileNameToSegment('0000000042.log')).toBe(42)
    expect(fileNameToSegment(segmentFileName(2 ** 32 - 1))).toBe(2 ** 32 - 1)
  })

  test.each(['42.log', '0000000042.log.tmp', '0000000000.log', '9999999999.log', '000000004x.log', 'LOCK', ''])(
    '%s is no segment',
    (name) => expect(fileNameToSegment(name)).toBeUndefined(),
  )
})

test('positions are ordered by segment, then by offset', () => {
  const at = (number: number, offset: number): { segment: number; offset: number } => ({ segment: number, offset })
  expect(comparePositions(at(1, 9), at(2, 1))).toBeLessThan(0)
  expect(comparePositions(at(2, 1), at(2, 1))).toBe(0)
  expect(comparePositions(at(2, 2), at(2, 1))).toBeGreaterThan(0)
})

test('lengths are rounded up to whole units', () => {
  expect([0, 1, 512, 513].map((bytes) => alignUp(bytes, 512))).toEqual([0, 512, 512, 1024])
})

describe('the header of a segment', () => {
  test('says what was written', () => {
    const page = Buffer.alloc(SEGMENT_HEADER_BYTES, 1)
    encodeSegmentHeader(segment, page)
    expect(decodeSegmentHeader(page)).toEqual({ kind: 'valid', ...segment })
  })

  test('with any byte changed is invalid, also where the version stands', () => {
    const page = Buffer.alloc(SEGMENT_HEADER_BYTES)
    encodeSegmentHeader(segment, page)
    for (let at = 0; at < page.length; at++) {
      for (const mask of [0x01, 0x80, 0xff]) {
        page[at] = page[at]! ^ mask
        expect([at, decodeSegmentHeader(page).kind]).toEqual([at, 'invalid'])
        page[at] = page[at]! ^ mask
      }
    }
  })

  test('of a later version is named, whatever its layout', () => {
    const page = Buffer.alloc(SEGMENT_HEADER_BYTES, 9)
    page.latin1Write('SKVWAL\r\n', 0)
    page.writeUInt32LE(2, 8)
    expect(decodeSegmentHeader(page)).toEqual({ kind: 'unsupported', version: 2 })
  })

  test('cut short, of zeros or of another file is invalid', () => {
    const page = Buffer.alloc(SEGMENT_HEADER_BYTES)
    expect(decodeSegmentHeader(page).kind).toBe('invalid')
    encodeSegmentHeader(segment, page)
    expect(decodeSegmentHeader(page.subarray(0, 100)).kind).toBe('invalid')
    expect(decodeSegmentHeader(Buffer.alloc(SEGMENT_HEADER_BYTES, 'GIF89a')).kind).toBe('invalid')
  })
})

describe('a frame', () => {
  const place = { header: segment, offset: 8192, fileBytes: 65_536 }

  test('says what was written, its padding is zero and it matches its checksum', () => {
    const bytes = frame()
    expect(decodeFrameHeader(bytes, place)).toEqual(header)
    expect(isFrameIntact(bytes, header.frameBytes)).toBe(true)
    const padding = bytes.subarray(FRAME_HEADER_BYTES + header.payloadBytes, header.frameBytes)
    expect(padding.every((byte) => byte === 0)).toBe(true)
    expect(bytes[header.frameBytes]).toBe(0x55)
  })

  test('with any byte changed, padding included, does not match its checksum', () => {
    const bytes = frame()
    for (let at = 0; at < header.frameBytes; at++) {
      bytes[at] = bytes[at]! ^ 0x10
      expect([at, isFrameIntact(bytes, header.frameBytes)]).toEqual([at, false])
      bytes[at] = bytes[at]! ^ 0x10
    }
  })

  test('at another place, in another segment or of another life does not belong', () => {
    const bytes = frame()
    expect(decodeFrameHeader(bytes, { ...place, offset: 8704 })).toBeUndefined()
    expect(decodeFrameHeader(bytes, { ...place, header: { ...segment, number: 8 } })).toBeUndefined()
    const nonces = [
      { low: 1, high: segment.nonce.high },
      { low: segment.nonce.low, high: 1 },
    ]
    for (const nonce of nonces) {
      expect(decodeFrameHeader(bytes, { ...place, header: { ...segment, nonce } })).toBeUndefined()
    }
  })

  test('with a length beyond its file, beyond the format, off the sectors or below its payload is none', () => {
    const refused = (at: number, value: number, fileBytes = 65_536): void => {
      const bytes = frame()
      bytes.writeUInt32LE(value, at)
      expect(decodeFrameHeader(bytes, { ...place, fileBytes })).toBeUndefined()
    }
    refused(28, 65_536 - 8192 + 512)
    refused(28, 0xfffffe00, 2 ** 40)
    refused(28, FRAME_BYTES_MAX + 512, 2 ** 40)
    refused(28, 1025)
    refused(28, 0)
    refused(32, 1024)
    refused(32, 0xffffffff)
  })
})
