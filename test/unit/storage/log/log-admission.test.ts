/** Room in the log is secured before a commit is decided; afterwards it always suffices. */
import * as fc from 'fast-check'
import { DiskFullError } from '../../../../src/base/errors'
import { createLimits } from '../../../../src/base/limits'
import { BATCH_HEADER_BYTES } from '../../../../src/storage/rows/batch-codec'
import { decideAdmission, LogAdmission } from '../../../../src/storage/log/log-admission'
import type { LogRoom } from '../../../../src/storage/log/log-admission'
import { groupCost } from '../../../../src/storage/log/log-pace'

const PAGE = 4096
const GROUP_MAX = 64 * 1024

describe('the decision', () => {
  const state = {
    currentBytes: 10 * PAGE,
    nextBytes: 0,
    fillingBytes: 0,
    reservedBytes: 0,
    reservedCost: 0,
    logGroupBytesMax: GROUP_MAX,
  }

  test('grants what fits beside the group that fills and the reservations', () => {
    expect(decideAdmission(100, state)).toBe('granted')
    expect(decideAdmission(100, { ...state, fillingBytes: 4 * PAGE, reservedCost: 4 * PAGE })).toBe('granted')
    expect(decideAdmission(100, { ...state, fillingBytes: 5 * PAGE, reservedCost: 4 * PAGE })).toBe('no-room')
  })

  test('looks at the next segment where the current one is too full', () => {
    expect(decideAdmission(100, { ...state, currentBytes: 0 })).toBe('no-room')
    expect(decideAdmission(100, { ...state, currentBytes: 0, nextBytes: PAGE })).toBe('granted')
  })

  test('never counts on both segments at once', () => {
    const split = { ...state, currentBytes: 3 * PAGE, nextBytes: 3 * PAGE, fillingBytes: 2 * PAGE }
    expect(decideAdmission(PAGE, split)).toBe('crowded')
  })

  test('bounds a group, but lets a larger commit through alone', () => {
    expect(decideAdmission(100, { ...state, currentBytes: 2 ** 30, fillingBytes: GROUP_MAX - 99 })).toBe('crowded')
    expect(decideAdmission(100, { ...state, currentBytes: 2 ** 30, fillingBytes: GROUP_MAX - 100 })).toBe('granted')
    expect(decideAdmission(10 * GROUP_MAX, { ...state, currentBytes: 2 ** 30 })).toBe('granted')
    expect(decideAdmission(10 * GROUP_MAX, { ...state, currentBytes: 2 ** 30, reservedBytes: 1 })).toBe('crowded')
  })
})

/** A log without a disk: a group is written whole into the current segment, or else into the next. */
class PaperLog {
  currentBytes = 20 * PAGE
  nextBytes = 0
  fillingBytes = 0
  nowMs = 1000
  isReserveLost = false
  demanded: number[] = []
  refusal: Error | undefined
  readonly admission: LogAdmission

  constructor() {
    const room = (): LogRoom => this
    const supply = {
      demand: (bytes: number): Error | undefined => {
        this.demanded.push(bytes)
        return this.refusal
      },
      demandReserve: (): Error | undefined => this.refusal,
    }
    const paper = Object.defineProperty(supply, 'isReserveLost', { get: () => this.isReserveLost })
    this.admission = new LogAdmission(createLimits({ logGroupBytesMax: GROUP_MAX }), {
      supply: paper as typeof supply & { isReserveLost: boolean },
      room,
      nowMs: () => this.nowMs,
    })
  }

  append(bytes: number): void {
    this.fillingBytes += bytes + BATCH_HEADER_BYTES
    this.admission.release(bytes)
    this.admission.serve()
  }

  write(): void {
    const cost = groupCost(this.fillingBytes)
    if (cost > this.currentBytes) {
      expect(cost).toBeLessThanOrEqual(this.nextBytes)
      this.currentBytes = this.nextBytes
      this.nextBytes = 0
    }
    this.currentBytes -= cost
    this.fillingBytes = 0
    this.admission.serve()
  }
}

test('whatever is reserved, appended, given up and written in any order, every group fits into one segment', () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('reserve' as const), bytes: fc.integer({ min: 0, max: 3 * PAGE }) }),
      fc.record({ kind: fc.constantFrom('append' as const, 'unreserve' as const, 'write' as const) }),
      fc.record({ kind: fc.constant('prepare' as const), pages: fc.integer({ min: 1, max: 30 }) }),
    ),
    { maxLength: 120 },
  )
  return fc.assert(
    fc.asyncProperty(steps, async (list) => {
      const paper = new PaperLog()
      const held: number[] = []
      for (const step of list) {
        if (step.kind === 'reserve') {
          const { bytes } = step
          const waiting = paper.admission.reserve(bytes, false)
          if (waiting === undefined) held.push(bytes)
          else void waiting.then(() => held.push(bytes))
        } else if (step.kind === 'prepare') {
          paper.nextBytes = Math.max(paper.nextBytes, step.pages * PAGE)
          paper.admission.serve()
        } else if (step.kind === 'write') paper.write()
        else if (held.length > 0) {
          const bytes = held.shift()!
          if (step.kind === 'append') paper.append(bytes)
          else paper.admission.release(bytes)
        }
        await Promise.resolve()
      }
    }),
    { numRuns: 300 },
  )
})

test('reservations are granted in order: a large one is not overtaken by small ones', async () => {
  const paper = new PaperLog()
  const granted: string[] = []
  expect(paper.admission.reserve(10 * PAGE, false)).toBeUndefined()
  void paper.admission.reserve(10 * PAGE, false)?.then(() => granted.push('large'))
  void paper.admission.reserve(1, false)?.then(() => granted.push('small'))
  await Promise.resolve()
  expect(granted).toEqual([])
  paper.nowMs += 30
  paper.admission.release(10 * PAGE)
  paper.admission.serve()
  await Promise.resolve()
  expect(granted).toEqual(['large', 'small'])
  expect(paper.admission.waits).toEqual({ count: 2, totalMs: 60, longestMs: 30 })
})

test('what is hopeless is refused at once, and later when it becomes so', async () => {
  const paper = new PaperLog()
  paper.currentBytes = 0
  const waiting = paper.admission.reserve(1, false)
  expect(paper.demanded).toEqual([PAGE])
  paper.refusal = new DiskFullError('full')
  paper.admission.serve()
  await expect(waiting).rejects.toBe(paper.refusal)
  expect(() => paper.admission.reserve(1, false)).toThrow(DiskFullError)
})

test('while the reserve is lost, commits that put wait or are refused, and deletes pass', async () => {
  const paper = new PaperLog()
  paper.isReserveLost = true
  expect(paper.admission.reserve(1, true)).toBeUndefined()
  const put = paper.admission.reserve(1, false)
  expect(put).toBeInstanceOf(Promise)
  paper.isReserveLost = false
  paper.admission.serve()
  await put
})

test('those who wait are refused together', async () => {
  const paper = new PaperLog()
  paper.currentBytes = 0
  const waiting = [paper.admission.reserve(1, false), paper.admission.reserve(1, true)]
  paper.admission.refuseAll(new Error('closing'))
  for (const one of waiting) await expect(one).rejects.toThrow('closing')
})

test('a page is spared only if everything outstanding still fits', () => {
  const paper = new PaperLog()
  paper.currentBytes = 2 * PAGE
  expect(paper.admission.canSpare(PAGE)).toBe(true)
  paper.fillingBytes = PAGE
  expect(paper.admission.canSpare(PAGE)).toBe(false)
  paper.nextBytes = 2 * PAGE
  expect(paper.admission.canSpare(PAGE)).toBe(true)
  paper.currentBytes = 0
  expect(paper.admission.canSpare(PAGE)).toBe(false)
})
