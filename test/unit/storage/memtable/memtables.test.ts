import { ENTRY_DELETE_RANGE, ENTRY_PUT } from '../../../../src/storage/engine'
import type { Batch } from '../../../../src/storage/engine'
import { Memtables } from '../../../../src/storage/memtable/memtables'
import type { RangeTombstoneIndex } from '../../../../src/storage/rows/range-tombstones'
import type { VersionCursor } from '../../../../src/storage/rows/version-cursor'
import { versionsFrom } from '../table/table-world'

function put(key: string, value: string): Batch {
  return [{ kind: ENTRY_PUT, key, value: Buffer.from(value), end: undefined }]
}

describe('the memtables', () => {
  it('show a cursor of each key the newest version at its sequence alone, newest memtable first', async () => {
    const memtables = new Memtables(0)
    for (let sequence = 1; sequence <= 50; sequence++) memtables.insert(put('hot', `v${sequence}`), sequence)
    expect(memtables.freeze()).toBe(true)
    for (let sequence = 51; sequence <= 100; sequence++) memtables.insert(put('hot', `v${sequence}`), sequence)
    memtables.insert([{ kind: ENTRY_DELETE_RANGE, key: 'a', value: undefined, end: 'b' }], 101)
    for (const reverse of [false, true]) {
      for (const [sequence, expected] of [
        [101, ['v100', 'v50']],
        [70, ['v70', 'v50']],
        [50, ['v50']],
        [7, ['v7']],
      ] as const) {
        const sources: VersionCursor[] = []
        const tombstones: RangeTombstoneIndex[] = []
        memtables.addSources({ sequence, reverse }, sources, tombstones)
        expect([sources.length, tombstones.length]).toEqual([2, 1])
        const shown = await Promise.all(sources.map((source) => versionsFrom(source, undefined)))
        expect(shown.flat().map((version) => version.value?.toString())).toEqual(expected)
      }
    }
  })
})
