import { manifestFileName, parseFileName, tableFileName } from '../../../../src/storage/files/file-names'
import { segmentFileName } from '../../../../src/storage/log/log-format'

describe('file names', () => {
  test('are read back as what they were made for', () => {
    for (const number of [1, 42, 9_999_999_999]) {
      expect(parseFileName(manifestFileName(number))).toEqual({ kind: 'manifest', number })
      expect(parseFileName(tableFileName(number))).toEqual({ kind: 'table', number })
    }
    expect(parseFileName(segmentFileName(7))).toEqual({ kind: 'segment', number: 7 })
    for (const [name, kind] of [
      ['LOCK', 'lock'],
      ['CURRENT', 'current'],
      ['CURRENT.tmp', 'currentTemporary'],
      ['RESERVE', 'reserve'],
    ]) {
      expect(parseFileName(name!)?.kind).toBe(kind)
    }
  })

  test('of others are foreign, however alike', () => {
    for (const name of [
      '',
      'current',
      'LOCK2',
      '42.table',
      '00000000042.table',
      '0000000042.tables',
      '0000000042.table.bak',
      '000000004x.log',
      'CURRENT.tmp.1',
    ]) {
      expect(parseFileName(name)).toBeUndefined()
    }
  })

  test('have no number beyond ten digits', () => {
    for (const number of [0, -1, 1.5, 10_000_000_000]) expect(() => tableFileName(number)).toThrow(/ten digits/)
  })
})
