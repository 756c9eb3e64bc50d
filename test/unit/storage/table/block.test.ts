import * as fc from 'fast-check'
import { CorruptionError } from '../../../../src/base/errors'
import { parseBlock } from '../../../../src/storage/table/block'
import type { Block } from '../../../../src/storage/table/block'
import { KIND_OLDER } from '../../../../src/storage/table/block-format'
import { BlockBuilder, createBlockTarget, encodeLargeBlock } from '../../../../src/storage/table/block-builder'
import { ENTRY_DELETE, ENTRY_PUT } from '../../../../src/storage/engine'
import { BLOCK_LARGE_VALUE, BLOCK_ROWS, fileSeed, sealBlock } from '../../../../src/storage/table/table-format'
import type { BlockType } from '../../../../src/storage/table/table-format'
import { asVersion } from './table-world'
import {
  check,
  expectLines,
  historyOf,
  inOrder,
  linesOf,
  modelCommits,
  modelKeys,
  modelValues,
} from '../rows/version-model'
import type { ModelVersion } from '../rows/version-model'

const file = 'test/unit/storage/table/block.test.ts'
const place = { file: 'test', seed: fileSeed(7), offset: 4096 }

function sealed(target: Buffer, payloadBytes: number, type: BlockType): Buffer {
  const length = sealBlock(target, { at: 0, payloadBytes, type, seed: place.seed, offset: place.offset })
  const bytes = Buffer.allocUnsafeSlow(length)
  target.copy(bytes)
  return bytes
}

function blockOf(versions: readonly ModelVersion[]): Buffer {
  const builder = new BlockBuilder(64 * 1024)
  versions.forEach((version, i) => {
    const older = i > 0 && versions[i - 1]!.key === version.key
    builder.add(asVersion(version), version.sequence, version.kind | (older ? KIND_OLDER : 0))
  })
  const target = createBlockTarget(128 * 1024)
  return sealed(target.bytes, builder.encodeInto(target, 0), BLOCK_ROWS)
}

function versionsOf(block: Block): ModelVersion[] {
  return Array.from({ length: block.count }, (_, row) => {
    const kind = block.kindAt(row)
    const value = block.bytes.subarray(block.valueAt(row), block.valueAt(row) + block.valueLengthAt(row))
    return {
      key: block.keyOf(row),
      sequence: block.sequenceAt(row),
      kind,
      value: kind === ENTRY_DELETE ? undefined : value,
    }
  })
}

const rows = modelCommits
  .map((commits) => inOrder(historyOf(commits).versions).filter(({ value }) => (value?.length ?? 0) <= 2048))
  .filter((versions) => versions.length > 0)

describe('a block', () => {
  it('gives back exactly the rows it was built from', async () => {
    await check(
      file,
      fc.property(rows, fc.constantFrom(0, 1000, 2 ** 32, 2 ** 52), (versions, far) => {
        const moved = versions.map((version, i) => ({ ...version, sequence: version.sequence + (i === 0 ? far : 0) }))
        const block = parseBlock(blockOf(moved), place)
        expectLines(linesOf(versionsOf(block)), linesOf(moved))
        moved.forEach(({ key }, row) => expect(block.isOlderAt(row)).toBe(row > 0 && moved[row - 1]!.key === key))
      }),
    )
  })

  it('tells keys apart that differ in the middle of the shared prefix alone', () => {
    const versionOf = (key: string, sequence: number) =>
      ({ key, sequence, kind: ENTRY_PUT, value: Buffer.from('v') }) as const
    const block = parseBlock(
      blockOf([versionOf('prefix-1/aaaa1', 2), versionOf('prefix-1/aaaa1', 1), versionOf('prefix-1/bbbb2', 1)]),
      place,
    )
    expect([block.find('prefix-1/aaaa1', 9), block.find('prefix-1/aaaa1', 1), block.find('prefix-1/bbbb2', 9)]).toEqual(
      [0, 1, 2],
    )
    for (const key of [
      'prefix-2/aaaa1',
      'prefix-2/bbbb2',
      'qrefix-1/bbbb2',
      'prefix-1',
      'prefix-',
      'p',
      '',
      'prefix-1/',
    ]) {
      expect([key, block.find(key, 9)]).toEqual([key, -1])
    }
  })

  it('finds rows as a search from end to end does', async () => {
    await check(
      file,
      fc.property(rows, fc.array(modelKeys, { maxLength: 20 }), (versions, others) => {
        const block = parseBlock(blockOf(versions), place)
        for (const key of [...others, ...versions.map((version) => version.key)]) {
          for (const sequence of [Infinity, 31, 9, 4, 1, 0]) {
            const first = versions.findIndex((v) => v.key > key || (v.key === key && v.sequence <= sequence))
            const expected = first === -1 ? versions.length : first
            const found = versions[expected]?.key === key ? expected : -1
            if (block.lowerBound(key, sequence) !== expected || block.find(key, sequence) !== found) {
              expect([key, sequence, block.lowerBound(key, sequence), block.find(key, sequence)]).toEqual([
                expected,
                found,
              ])
            }
          }
        }
      }),
    )
  })

  it('of a large value gives back its key and value', async () => {
    await check(
      file,
      fc.property(modelKeys, modelKeys, modelValues, (key, other, value) => {
        const target = Buffer.alloc(8192)
        const version = { key, sequence: 2 ** 40, kind: 0 as const, value: value ?? Buffer.alloc(3000, 1) }
        const payloadBytes = encodeLargeBlock(target, 0, asVersion(version), { sequence: version.sequence, kind: 0 })
        const block = parseBlock(sealed(target, payloadBytes, BLOCK_LARGE_VALUE), place)
        expectLines(linesOf(versionsOf(block)), linesOf([version]))
        expect(block.find(key, Infinity)).toBe(0)
        expect(block.find(key, 5)).toBe(-1)
        expect(block.lowerBound(other, Infinity)).toBe(other > key ? 1 : 0)
        expect(block.find(other, Infinity)).toBe(other === key ? 0 : -1)
      }),
    )
  })

  it('forged under a right checksum is refused, or read within its bytes', async () => {
    const change = fc.tuple(fc.nat({ max: 200 }), fc.nat({ max: 255 }))
    await check(
      file,
      fc.property(rows, fc.array(change, { minLength: 1, maxLength: 4 }), fc.boolean(), (versions, changes, large) => {
        const forged = blockOf(versions)
        for (const [at, byte] of changes) forged[at % (forged.length - 8)] = byte
        const resealed = sealed(Buffer.concat([forged, Buffer.alloc(8)]), forged.length - 8, large ? BLOCK_LARGE_VALUE : BLOCK_ROWS) // prettier-ignore
        let block: Block
        try {
          block = parseBlock(resealed, place)
        } catch (error) {
          if (!(error instanceof CorruptionError)) throw error
          return
        }
        for (const { value } of versionsOf(block)) {
          if (value !== undefined && value.byteOffset + value.length > resealed.byteOffset + resealed.length)
            throw new Error('outside')
        }
        for (const { key } of versions) {
          expect(block.lowerBound(key, 3)).toBeLessThanOrEqual(block.count)
          expect(block.find(key, 3)).toBeLessThan(block.count)
        }
      }),
      500,
    )
  })

  it('verifies only in its own file and place', () => {
    const bytes = blockOf([{ key: 'k', sequence: 1, kind: 0, value: Buffer.from('v') }])
    expect(parseBlock(bytes, place).count).toBe(1)
    expect(() => parseBlock(bytes, { ...place, offset: 4100 })).toThrow(CorruptionError)
    expect(() => parseBlock(bytes, { ...place, seed: fileSeed(8) })).toThrow(CorruptionError)
    expect(() => parseBlock(bytes.subarray(0, 8), place)).toThrow(CorruptionError)
    expect(() => parseBlock(bytes.subarray(0, 0), place)).toThrow(CorruptionError)
  })
})
