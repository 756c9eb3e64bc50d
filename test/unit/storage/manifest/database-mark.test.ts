import { databaseMarkOf, withDatabaseMark } from '../../../../src/storage/manifest/database-mark'
import { createManifestState } from '../../../../src/storage/manifest/manifest-state'

describe('the mark of a database', () => {
  const fresh = createManifestState()

  it.each([0, 1, 0xabcdef, 0xffff_ffff])('is read as it was written: %i', (mark) => {
    expect(databaseMarkOf({ options: withDatabaseMark(fresh.options, mark) })).toBe(mark)
  })

  it('stands beside other options, as eight digits', () => {
    expect([...withDatabaseMark(fresh.options, 0xbeef)]).toEqual([...fresh.options, ['database-mark', '0000beef']])
  })

  it('is unknown where there is none', () => {
    expect(databaseMarkOf(fresh)).toBeUndefined()
  })
})
