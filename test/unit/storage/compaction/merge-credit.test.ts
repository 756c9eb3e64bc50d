import { MERGE_BYTES_PER_BYTE, MergeCredit } from '../../../../src/storage/compaction/merge-credit'

const KiB = 1024
const MiB = 1024 * KiB

describe('merge credit', () => {
  test('a committed byte grants a fixed number of bytes; what is granted and not done is owed', () => {
    const credit = new MergeCredit(0)
    expect(credit.debtBytes).toBe(0)
    credit.commit(1000)
    credit.commit(500)
    expect(credit.debtBytes).toBe(1500 * MERGE_BYTES_PER_BYTE)
    credit.work(2000, false)
    expect(credit.debtBytes).toBe(1500 * MERGE_BYTES_PER_BYTE - 2000)
  })

  test('while commits flow a merge goes on as far as they have granted, and time grants nothing', () => {
    const credit = new MergeCredit(0)
    credit.commit(1 * KiB)
    expect(credit.mayGoOn(1)).toBe(true)
    credit.work(8 * MERGE_BYTES_PER_BYTE * KiB, false)
    for (let ms = 2; ms < 9; ms++) {
      credit.commit(1 * KiB)
      expect([ms, credit.mayGoOn(ms)]).toEqual([ms, false])
    }
    credit.commit(1 * KiB)
    expect(credit.mayGoOn(9)).toBe(true)
    expect(credit.debtBytes).toBe(MERGE_BYTES_PER_BYTE * KiB)
  })

  test('time without commits lets a merge go on at full speed, and never makes debt', () => {
    const credit = new MergeCredit(0)
    let [done, ms] = [0, 0]
    for (; ms < 100; ms += 0.5) {
      if (!credit.mayGoOn(ms)) continue
      credit.work(64 * KiB, false)
      done += 64 * KiB
    }
    expect(done).toBeGreaterThan(12 * MiB)
    // A long pause is not saved up for later.
    expect(credit.mayGoOn(1_000_000)).toBe(true)
    expect(credit.debtBytes).toBe(0)
    credit.commit(1)
    credit.work(192 * KiB, false)
    expect(credit.mayGoOn(1_000_001)).toBe(false)
    expect(credit.debtBytes).toBe(0)
  })

  test('urgent work is not held against the merges that follow', () => {
    const credit = new MergeCredit(0)
    credit.work(100 * MiB, true)
    credit.commit(1)
    expect(credit.mayGoOn(1)).toBe(true)
    const patient = new MergeCredit(0)
    patient.work(100 * MiB, false)
    patient.commit(1)
    expect(patient.mayGoOn(1)).toBe(false)
  })

  test('when nothing is left to do nothing is owed, and nothing is granted before there is work again', () => {
    const credit = new MergeCredit(0)
    credit.commit(1 * MiB)
    credit.settle()
    expect(credit.debtBytes).toBe(0)
    credit.commit(1 * MiB)
    expect(credit.debtBytes).toBe(0)
    credit.work(64 * KiB, false)
    credit.commit(1)
    expect(credit.mayGoOn(1)).toBe(false)
    credit.commit(64 * KiB)
    expect(credit.mayGoOn(1)).toBe(true)
    expect(credit.debtBytes).toBe((64 * KiB + 1) * MERGE_BYTES_PER_BYTE - 64 * KiB)
  })
})
