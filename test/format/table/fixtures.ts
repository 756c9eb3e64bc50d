/** The frozen tables: how each was made, where it is, and what it holds. */
import { createHash } from 'node:crypto'
import path from 'node:path'
import type { Compression } from '../../../src/storage/table/compressed-block'
import { ENTRY_DELETE, ENTRY_PUT } from '../../../src/storage/engine'
import type { IndexMode } from '../../../src/storage/table/index-mode'
import type { TableProperties } from '../../../src/storage/table/table-format'
import type { RangeTombstone } from '../../../src/storage/rows/version-cursor'
import { writeTable } from '../../unit/storage/table/table-world'
import type { ModelHistory, ModelVersion } from '../../unit/storage/rows/version-model'

/** The folder of all fixtures: for each a table and a `.json` with what it holds. */
export const FIXTURES = path.join(__dirname, 'fixtures')

/** The number that every frozen table was written under. */
export const FILE_NUMBER = 7

interface Fixture {
  readonly history: ModelHistory
  readonly blockBytes: number
  readonly filterBitsPerKey: number
  readonly indexMode: IndexMode
  readonly compression?: Compression
}

export const FIXTURE_BY_NAME: ReadonlyMap<string, Fixture> = new Map([
  ['v1-plain', { history: plain(), blockBytes: 4096, filterBitsPerKey: 10, indexMode: 'auto' }],
  ['v1-every-kind', { history: everyKind(), blockBytes: 256, filterBitsPerKey: 10, indexMode: 'lean' }],
  [
    'v1-range-tombstones-only',
    { history: rangeTombstonesOnly(), blockBytes: 4096, filterBitsPerKey: 0, indexMode: 'resident' },
  ],
  ['v1-learned', { history: learned(), blockBytes: 256, filterBitsPerKey: 10, indexMode: 'resident' }],
  [
    'v1-deflate',
    {
      history: compressible(),
      blockBytes: 256,
      filterBitsPerKey: 10,
      indexMode: 'auto',
      compression: { codec: 'deflate', payloadBytesMax: 4096 },
    },
  ],
])

function put(key: string, sequence: number, value: string | Buffer): ModelVersion {
  return { key, sequence, kind: ENTRY_PUT, value: Buffer.from(value) }
}

function deleted(key: string, sequence: number): ModelVersion {
  return { key, sequence, kind: ENTRY_DELETE, value: undefined }
}

function plain(): ModelHistory {
  const versions = [put('user/alice', 1, 'on call'), put('user/bob', 2, ''), put('user/carol', 3, 'off')]
  return { versions, rangeTombstones: [] }
}

/** Both kinds of blocks, all widths of sequences, versions of a key that span blocks, bytes that are no text. */
function everyKind(): ModelHistory {
  const versions = [
    put('', 5, 'the empty key'),
    put('\0', 6, Buffer.from([0, 0xff])),
    deleted('\xff\xff', 2 ** 40),
    put('\xff\xff', 9, ''),
    put('key1', 2 ** 33, 'one'),
    put('key10', 3, 'ten'),
    put('large', 12, Buffer.alloc(2049, 0xab)),
    put('large', 11, Buffer.alloc(2048, 0xcd)),
    put('z', Number.MAX_SAFE_INTEGER, 'the greatest sequence'),
  ]
  for (let sequence = 20; sequence < 60; sequence++) {
    versions.push(sequence % 7 === 0 ? deleted('hot', sequence) : put('hot', sequence, `version ${sequence}`))
  }
  const rangeTombstones = [
    { start: '', end: 'a', sequence: 4 },
    { start: 'key', end: undefined, sequence: 2 ** 33 + 1 },
    { start: 'key', end: 'kez\0', sequence: 2 },
  ]
  return { versions, rangeTombstones }
}

/** The same, and blocks that no codec makes smaller. */
function compressible(): ModelHistory {
  const { versions, rangeTombstones } = everyKind()
  const noise = Array.from({ length: 3 }, (_, i) =>
    put(`noise${i}`, 70 + i, createHash('sha512').update(`noise ${i}`).digest()),
  )
  return { versions: [...versions, ...noise], rangeTombstones }
}

/** Enough blocks for two pages of index, keys that one line does not follow, and a run of versions that spans blocks. */
function learned(): ModelHistory {
  const versions = Array.from({ length: 150 }, (_, i) =>
    put(`item${String(i ** 3).padStart(8, '0')}`, i + 1, Buffer.alloc(200, i)),
  )
  for (let sequence = 1000; sequence < 1010; sequence++) versions.push(put('item01', sequence, Buffer.alloc(200, 1)))
  return { versions, rangeTombstones: [] }
}

function rangeTombstonesOnly(): ModelHistory {
  return { versions: [], rangeTombstones: [{ start: 'a\0', end: '\xff', sequence: 1 }] }
}

/** Writes a fixture's table as it was written when it was frozen. */
export async function writeFixture(fixture: Fixture): Promise<{ bytes: Buffer; properties: TableProperties }> {
  const { history, ...options } = fixture
  const { file, properties } = await writeTable(history, { fileNumber: FILE_NUMBER, ...options })
  return { bytes: file.bytes, properties }
}

/** What a table holds, as it stands in the `.json`: bytes as hexadecimal text. */
export function toPlain(
  versions: readonly ModelVersion[],
  rangeTombstones: readonly RangeTombstone[],
  properties: TableProperties,
): unknown {
  const hex = (key: string | undefined): string | null => (key === undefined ? null : Buffer.from(key, 'latin1').toString('hex')) // prettier-ignore
  return {
    versions: versions.map(({ key, sequence, kind, value }) => ({ key: hex(key), sequence, kind, value: value?.toString('hex') ?? null })), // prettier-ignore
    rangeTombstones: rangeTombstones.map(({ start, end, sequence }) => ({
      start: hex(start),
      end: hex(end),
      sequence,
    })),
    properties: {
      ...properties,
      bounds: { start: hex(properties.bounds.start), end: hex(properties.bounds.end) },
      firstKey: hex(properties.firstKey),
      lastKey: hex(properties.lastKey),
    },
  }
}
