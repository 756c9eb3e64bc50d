import * as fc from 'fast-check'
import type { Key } from '../../../../src/base/bytes'
import type { Sequence } from '../../../../src/base/sequence'
import { BatchCursor, encodeBatch } from '../../../../src/storage/rows/batch-codec'
import { batchBytes, ENTRY_DELETE, ENTRY_PUT } from '../../../../src/storage/engine'
import { KeyHash, hashKey } from '../../../../src/storage/table/filter'
import { Lookup, LOOKUP_VALUE } from '../../../../src/storage/rows/lookup'
import { Memtable } from '../../../../src/storage/memtable/memtable'
import { versionAt, versionsFrom } from '../table/table-world'
import {
  check,
  expectLines,
  historyOf,
  inOrder,
  linesOf,
  modelCommits,
  modelGet,
  modelKeys,
  valueText,
} from '../rows/version-model'
import type { ModelHistory, ModelVersion } from '../rows/version-model'

const file = 'test/unit/storage/memtable/memtable.test.ts'

function get(memtable: Memtable, key: Key, sequence: Sequence, found: Lookup): boolean {
  const hash = new KeyHash()
  hashKey(key, hash)
  return memtable.get(key, hash, sequence, found)
}

/** `fromLog`: filled as recovery fills it, from encoded batches, its order made once. */
function memtableOf(history: ModelHistory, fromLog: boolean): Memtable {
  const memtable = new Memtable(fromLog)
  const writes = [
    ...history.rangeTombstones.map((range) => ({ sequence: range.sequence, range })),
    ...history.versions.map((version) => ({ sequence: version.sequence, version })),
  ].sort((a, b) => a.sequence - b.sequence)
  for (const write of writes) {
    if ('range' in write) memtable.insertRange(write.range.start, write.range.end, write.sequence)
    else if (fromLog) insertFromLog(memtable, write.version)
    else memtable.insert(write.version.kind, write.version.key, write.version.value, write.sequence)
  }
  return memtable
}

function insertFromLog(memtable: Memtable, { kind, key, value, sequence }: ModelVersion): void {
  const batch = [{ kind, key, value, end: undefined }]
  const bytes = Buffer.alloc(100 + batchBytes(batch))
  const entries = new BatchCursor()
  expect([entries.open(bytes, 60, encodeBatch(batch, bytes, 60)), entries.next()]).toEqual([true, true])
  memtable.insertFrom(entries, sequence)
  // What was taken over must not hang on the bytes of the log.
  bytes.fill(0xee)
}

describe('a memtable', () => {
  it('finds the newest version at or below the sequence, range tombstones included', async () => {
    await check(
      file,
      fc.property(modelCommits, fc.array(modelKeys, { maxLength: 20 }), fc.boolean(), (commits, others, fromLog) => {
        const history = historyOf(commits)
        const memtable = memtableOf(history, fromLog)
        memtable.checkInvariants()
        const found = new Lookup()
        const keys = new Set([...others, ...history.versions.map(({ key }) => key)])
        for (const key of keys) {
          for (let sequence = 0; sequence <= commits.length + 1; sequence++) {
            const expected = modelGet(history, key, sequence)
            const has = get(memtable, key, sequence, found)
            const value = found.state === LOOKUP_VALUE ? found.copyValue() : undefined
            expectLines(
              [`${has} ${found.state} ${found.sequence} ${valueText(value)}`],
              [`${expected.sequence !== 0} ${expected.state} ${expected.sequence} ${valueText(expected.value)}`],
            )
          }
        }
      }),
    )
  })

  it('shows all versions in internal order from a seek, forward and backward', async () => {
    await check(
      file,
      fc.asyncProperty(modelCommits, fc.option(modelKeys), fc.boolean(), async (commits, from, fromLog) => {
        const key = from ?? undefined
        const history = historyOf(commits)
        const memtable = memtableOf(history, fromLog)
        const ordered = inOrder(history.versions)
        const forward = await versionsFrom(memtable.openCursor(false), key)
        expectLines(linesOf(forward), linesOf(ordered.filter((version) => key === undefined || version.key >= key)))
        const backward = await versionsFrom(memtable.openCursor(true), key)
        const below = ordered.filter((version) => key === undefined || version.key < key)
        expectLines(linesOf(backward), linesOf(below.reverse()))
      }),
    )
  })

  it('shows only what is newest at a sequence if asked to', async () => {
    await check(
      file,
      fc.asyncProperty(
        modelCommits,
        fc.nat({ max: 31 }),
        fc.tuple(fc.boolean(), fc.boolean()),
        async (commits, sequence, [reverse, fromLog]) => {
          const { versions } = historyOf(commits)
          const expected = inOrder(versions).filter(
            (version) =>
              version.sequence <= sequence &&
              !versions.some((v) => v.key === version.key && v.sequence > version.sequence && v.sequence <= sequence),
          )
          const memtable = memtableOf({ versions, rangeTombstones: [] }, fromLog)
          const shown = await versionsFrom(memtable.openCursor(reverse, sequence), undefined)
          expectLines(linesOf(shown), linesOf(reverse ? expected.reverse() : expected))
        },
      ),
    )
  })

  it('derives sizes from what it holds', () => {
    const memtable = new Memtable()
    expect([memtable.entries, memtable.bytes, memtable.firstSequence, memtable.lastSequence]).toEqual([0, 0, 0, 0])
    memtable.insert(ENTRY_PUT, 'key', Buffer.alloc(100), 5)
    const overhead = memtable.bytes - 103
    memtable.insert(ENTRY_DELETE, 'key', undefined, 6)
    memtable.insertRange('a', 'bc', 9)
    expect(memtable.bytes).toBe(103 + 3 + 3 + 3 * overhead)
    expect([memtable.entries, memtable.keys, memtable.firstSequence, memtable.lastSequence]).toEqual([3, 1, 5, 9])
    memtable.checkInvariants()
  })

  it('copies what it is given', () => {
    const memtable = new Memtable()
    const value = Buffer.from('before')
    memtable.insert(ENTRY_PUT, 'key', value, 1)
    value.write('after!')
    const found = new Lookup()
    get(memtable, 'key', 1, found)
    expect(found.copyValue().toString()).toBe('before')
  })

  it('finds any of 100,000 versions of one key', () => {
    const memtable = new Memtable()
    for (let sequence = 1; sequence <= 100_000; sequence++) {
      memtable.insert(ENTRY_PUT, 'hot', Buffer.from(String(sequence)), sequence)
    }
    const found = new Lookup()
    for (let sequence = 1; sequence <= 100_000; sequence += 97) {
      expect(get(memtable, 'hot', sequence, found)).toBe(true)
      if (found.sequence !== sequence) throw new Error(`found ${found.sequence} at ${sequence}`)
    }
    expect(found.copyValue().toString()).toBe(String(found.sequence))
    memtable.checkInvariants()
  })

  it('holds values from none to 16 MiB, each whole', () => {
    const memtable = new Memtable()
    const lengths = [0, 1, 100, 65_535, 65_536, 65_537, 262_144, 262_145, 1_048_576, 16 * 1_048_576, 3, 200_000, 0, 7]
    lengths.forEach((length, i) => {
      memtable.insert(ENTRY_PUT, `k${i}`, Buffer.alloc(length, i + 1), i + 1)
    })
    const found = new Lookup()
    lengths.forEach((length, i) => {
      get(memtable, `k${i}`, 100, found)
      expect(found.state).toBe(LOOKUP_VALUE)
      expect(found.copyValue().equals(Buffer.alloc(length, i + 1))).toBe(true)
    })
  })

  it('grows and is overwritten under open cursors, which go on showing what was there', () => {
    for (const reverse of [false, true]) {
      const memtable = new Memtable()
      const name = (i: number): string => `key${String(i).padStart(6, '0')}`
      for (let i = 0; i < 2000; i += 2) memtable.insert(ENTRY_PUT, name(i), Buffer.from('old'), 1 + i / 2)
      const cursor = memtable.openCursor(reverse)
      const seen: string[] = []
      let next = 1001
      for (let more = cursor.seek(undefined); more === true; more = cursor.next()) {
        const version = versionAt(cursor)
        if (version.sequence <= 1000) {
          seen.push(version.key)
          expect(version.value?.toString()).toBe('old')
        }
        // Overwrite here and insert neighbours: before, at and behind the cursor.
        const at = Number(version.key.slice(3))
        for (const key of [name(at), name(at - 1), name(at + 1)]) {
          if (next < 6000) memtable.insert(ENTRY_PUT, key, Buffer.from('new'), next++)
        }
      }
      const expected = Array.from({ length: 1000 }, (_, i) => name(2 * i))
      expect(seen).toEqual(reverse ? expected.reverse() : expected)
      memtable.checkInvariants()
    }
  })

  it('answers for keys whose hashes collide', () => {
    const memtable = new Memtable()
    const [found, hash] = [new Lookup(), new KeyHash()]
    const keys = collidingKeys(400)
    keys.forEach((key, i) => {
      memtable.insert(ENTRY_PUT, key, Buffer.from(`value${i}`), i + 1)
    })
    keys.forEach((key, i) => {
      hashKey(key, hash)
      expect(hash.low).toBe(hashLow(keys[0]!))
      expect(get(memtable, key, 1000, found)).toBe(true)
      expect(found.copyValue().toString()).toBe(`value${i}`)
    })
    for (let i = 0; i < 1000; i++) expect(get(memtable, `other${i}`, 1000, found)).toBe(false)
    memtable.insert(ENTRY_DELETE, keys.at(-1)!, undefined, 1001)
    expect([get(memtable, keys.at(-1)!, 1001, found), found.sequence]).toEqual([true, 1001])
    expect([memtable.keys, memtable.entries]).toEqual([400, 401])
    memtable.checkInvariants()
  })

  it('filled from the log, answers for keys whose hashes collide and goes on in order', async () => {
    const memtable = new Memtable(true)
    const keys = collidingKeys(400)
    keys.forEach((key, i) =>
      insertFromLog(memtable, { kind: ENTRY_PUT, key, value: Buffer.from(`v${i}`), sequence: i + 1 }),
    )
    const found = new Lookup()
    for (const [i, key] of keys.entries()) {
      expect(get(memtable, key, 1000, found)).toBe(true)
      expect(found.copyValue().toString()).toBe(`v${i}`)
    }
    insertFromLog(memtable, { kind: ENTRY_DELETE, key: keys[7]!, value: undefined, sequence: 401 })
    expect([memtable.keys, memtable.entries]).toEqual([400, 401])
    const shown = await versionsFrom(memtable.openCursor(false, 1000), undefined)
    expect(shown.map(({ key }) => key)).toEqual([...keys].sort(compare))
    memtable.checkInvariants()
  })

  it('refuses what would break its order', () => {
    const memtable = new Memtable()
    memtable.insert(ENTRY_PUT, 'a', Buffer.alloc(1), 5)
    expect(() => memtable.insert(ENTRY_PUT, 'b', Buffer.alloc(1), 4)).toThrow('ascending sequences')
    expect(() => memtable.insert(ENTRY_PUT, 'a', Buffer.alloc(1), 5)).toThrow('order of sequence')
    expect(() => memtable.insert(ENTRY_PUT, 'c', undefined, 6)).toThrow('a put has a value')
    expect(() => memtable.insertRange('b', 'b', 6)).toThrow('deletes something')
  })
})

function hashLow(key: Key): number {
  const hash = new KeyHash()
  hashKey(key, hash)
  return hash.low
}

/** Keys of eight bytes with one `low`: the hash of two words is undone for every first word. */
function collidingKeys(count: number): Key[] {
  const rotate = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits))
  const inverse = (odd: number): number => {
    let x = odd
    for (let i = 0; i < 5; i++) x = Math.imul(x, 2 - Math.imul(odd, x))
    return x
  }
  const spread = (word: number): number => Math.imul(rotate(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593)
  const gather = (word: number): number =>
    Math.imul(rotate(Math.imul(word, inverse(0x1b873593)), 17), inverse(0xcc9e2d51))
  const target = 0x12345678
  const before = rotate(Math.imul(target - 0xe6546b64, inverse(5)), 19)
  return Array.from({ length: count }, (_, first) => {
    const state = (Math.imul(rotate(8 ^ spread(first), 13), 5) + 0xe6546b64) | 0
    const key = Buffer.alloc(8)
    key.writeInt32LE(first, 0)
    key.writeInt32LE(gather(before ^ state) | 0, 4)
    return key.latin1Slice()
  })
}

function compare(a: Key, b: Key): number {
  return a < b ? -1 : a > b ? 1 : 0
}

describe('the memory of a memtable', () => {
  const fill = (keyBytes: number, valueBytes: number): Memtable => {
    const memtable = new Memtable()
    const rows = Math.ceil((4 * 1024 * 1024) / (keyBytes + valueBytes + 120))
    for (let i = 1; i <= rows; i++) {
      memtable.insert(ENTRY_PUT, String(i * 7919).padStart(keyBytes, '0'), Buffer.alloc(valueBytes, i), i)
    }
    return memtable
  }

  test.each([
    [10, 0],
    [20, 100],
    [40, 1],
    [100, 0],
    [1000, 10],
    [4096, 0],
    [20, 4000],
    [20, 200_000],
    [20, 270_000],
  ])('of rows of %d and %d bytes is what it counts, a third more at most, and a chunk', (keyBytes, valueBytes) => {
    const memtable = fill(keyBytes, valueBytes)
    expect(memtable.arenaBytes).toBeLessThan(memtable.memoryBytes)
    expect(memtable.memoryBytes).toBeLessThan((memtable.bytes * 4) / 3 + 1024 * 1024)
    // And what it counts is no more than half as much again: it would be frozen too early.
    expect(memtable.bytes).toBeLessThan(1.5 * memtable.memoryBytes + 1024 * 1024)
  })

  test('counts a long key twice, since the order holds it as a string too', () => {
    const [short, long] = [new Memtable(), new Memtable()]
    short.insert(ENTRY_PUT, 'k'.repeat(40), Buffer.alloc(10), 1)
    long.insert(ENTRY_PUT, 'k'.repeat(1040), Buffer.alloc(10), 1)
    expect(long.bytes - short.bytes).toBe(2000)
    // An overwrite brings no second string.
    const before = long.bytes
    long.insert(ENTRY_PUT, 'k'.repeat(1040), Buffer.alloc(10), 2)
    expect(long.bytes - before).toBe(1040 + 10 + 120)
  })
})
