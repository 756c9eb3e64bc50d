import { createLimits } from '../../../src/base/limits'
import type { AdmissionFigures } from '../../../src/storage/admission-rule'
import { admissionState, debtBytesMax } from '../../../src/storage/admission-rule'
import { MERGE_BYTES_PER_BYTE } from '../../../src/storage/compaction/merge-credit'

const MiB = 1024 * 1024
const limits = createLimits({
  memtableBytesMax: 1 * MiB, memtablesFrozenMax: 2, levelZeroTablesMax: 4, levelZeroTablesStall: 6, mergeDebtBytesMax: 100 * MiB,
}) // prettier-ignore
const quiet: AdmissionFigures = {
  memtablesFrozen: 0,
  isFull: false,
  levelZeroRuns: 0,
  mergeDebtBytes: 0,
  isWorking: false,
  flushFailure: undefined,
  mergeFailure: undefined,
}

describe('whether a commit may go on', () => {
  test('it may while memory, level 0 and merging are within their bounds', () => {
    const near = {
      ...quiet,
      memtablesFrozen: 2,
      levelZeroRuns: 5,
      mergeDebtBytes: 100 * MiB,
      isWorking: true,
      mergeFailure: new Error('EIO'),
    }
    for (const now of [quiet, near]) {
      expect(admissionState(now, limits)).toEqual({ kind: undefined, cause: undefined, failure: undefined })
    }
  })

  test('it waits for merging that is owed, for as long as somebody does it', () => {
    const owed = { ...quiet, mergeDebtBytes: 100 * MiB + 1, isWorking: true }
    expect(admissionState(owed, limits)).toMatchObject({ kind: 'mergeDebt', failure: undefined })
    expect(admissionState({ ...owed, isWorking: false }, limits).kind).toBeUndefined()
  })

  test('it waits for a flush when memory is full, and for a merge when level 0 is; each with its own failure', () => {
    const [flushFailure, mergeFailure] = [new Error('flush'), new Error('merge')]
    const failing = { ...quiet, flushFailure, mergeFailure }
    const full = { ...failing, memtablesFrozen: 2, isFull: true }
    expect(admissionState(full, limits)).toMatchObject({ kind: 'memtables', failure: flushFailure })
    expect(admissionState({ ...full, isFull: false }, limits).kind).toBeUndefined()
    const stalled = { ...failing, levelZeroRuns: 6 }
    expect(admissionState(stalled, limits)).toMatchObject({ kind: 'levelZero', failure: mergeFailure })
    const never = createLimits({ levelZeroTablesMax: 9, levelZeroTablesStall: 2 })
    expect(admissionState({ ...quiet, levelZeroRuns: 8 }, never).kind).toBeUndefined()
    expect(admissionState({ ...quiet, levelZeroRuns: 9 }, never).kind).toBe('levelZero')
  })

  test('what two memtables grant may always be owed: their flushes have to come first', () => {
    expect(debtBytesMax(limits)).toBe(100 * MiB)
    const large = createLimits({ memtableBytesMax: 64 * MiB, mergeDebtBytesMax: 100 * MiB })
    expect(debtBytesMax(large)).toBe(2 * MERGE_BYTES_PER_BYTE * 64 * MiB)
  })
})
