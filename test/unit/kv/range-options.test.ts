/**
 * Bounds in every form come out as the one half-open range; contradictions are refused.
 */
import fc from 'fast-check'
import { InvalidArgumentError, LimitExceededError } from '../../../src/base/errors'
import { rangeContains } from '../../../src/base/key-range'
import { planDeletion, planScan } from '../../../src/kv/range-options'
import type { ScanOptions } from '../../../src/kv/range-options'

const plan = (given?: ScanOptions) => planScan(given, 16, 'scan')

describe('the plan of a scan', () => {
  test('without options it is everything, forwards, without a limit', () => {
    const everything = { range: { start: '', end: undefined }, reverse: false, limit: Infinity }
    expect(plan()).toEqual(everything)
    expect(plan({})).toEqual(everything)
  })

  test.each<[ScanOptions, string, string | undefined]>([
    [{ gte: 'a' }, 'a', undefined],
    [{ gt: 'a' }, 'a\0', undefined],
    [{ lt: 'b' }, '', 'b'],
    [{ lte: 'b' }, '', 'b\0'],
    [{ gt: '', lte: '' }, '\0', '\0'],
    [{ prefix: 'u/' }, 'u/', 'u0'],
    [{ prefix: '' }, '', undefined],
    [{ prefix: Uint8Array.of(0xff, 0xff) }, '\xff\xff', undefined],
    [{ prefix: Uint8Array.of(1, 0xff) }, '\x01\xff', '\x02'],
    [{ prefix: 'u/', gt: 'u/m' }, 'u/m\0', 'u0'],
    [{ prefix: 'u/', lt: 'a' }, 'u/', 'a'],
    [{ gte: 'é' }, '\xc3\xa9', undefined],
  ])('%j', (given, start, end) => expect(plan(given).range).toEqual({ start, end }))

  test('a key lies in the plan if and only if it lies in the bounds, by unsigned bytes', () => {
    const bytes = fc.uint8Array({ maxLength: 3 })
    const bound = fc.option(bytes, { nil: undefined })
    fc.assert(
      fc.property(
        bytes,
        bound,
        bound,
        bound,
        fc.boolean(),
        fc.boolean(),
        (key, low, high, prefix, openLow, openHigh) => {
          const given: ScanOptions = { ...(openLow ? { gt: low } : { gte: low }), ...(openHigh ? { lt: high } : { lte: high }), prefix } // prettier-ignore
          const compare = (other: Uint8Array): number => Buffer.compare(key, other)
          const inside =
            (low === undefined || (openLow ? compare(low) > 0 : compare(low) >= 0)) &&
            (high === undefined || (openHigh ? compare(high) < 0 : compare(high) <= 0)) &&
            (prefix === undefined || Buffer.compare(key.subarray(0, prefix.length), prefix) === 0)
          expect(rangeContains(plan(given).range, Buffer.from(key).latin1Slice())).toBe(inside)
        },
      ),
      { numRuns: 2000 },
    )
  })

  test.each<[ScanOptions, RegExp]>([
    [{ gte: 'a', gt: 'a' }, /gte and gt together in scan/],
    [{ lt: 'a', lte: 'a' }, /lt and lte together in scan/],
    [{ limit: -1 }, /as limit: it must be a number of rows, 0 or more/],
    [{ limit: 1.5 }, /as limit/],
    [{ limit: NaN }, /as limit/],
    [{ limit: '3' } as never, /as limit/],
    [{ reverse: 'yes' } as never, /as reverse/],
    [{ gte: 5 } as never, /as a key/],
    [{ lt: null } as never, /as a key/],
    [{ prefix: '\ud800' }, /lone surrogate/],
    [{ start: 'a' } as never, /the option "start" of scan/],
    [{ ltee: 'a' } as never, /did you mean "lte"/],
    ['a' as never, /as options of scan/],
  ])('%j is refused', (given, message) => {
    expect(() => plan(given)).toThrow(InvalidArgumentError)
    expect(() => plan(given)).toThrow(message)
  })

  test('a bound beyond the length of keys is refused', () => {
    expect(() => plan({ lt: 'x'.repeat(17) })).toThrow(LimitExceededError)
    expect(plan({ lte: 'x'.repeat(16) }).range.end).toHaveLength(17)
  })
})

describe('the plan of a count or a range delete', () => {
  test('neither goes backwards, a delete has no limit', () => {
    expect(() => planScan({ reverse: true }, 16, 'count')).toThrow(/the option "reverse" of count/)
    expect(planScan({ limit: 3 }, 16, 'count').limit).toBe(3)
    expect(() => planDeletion({ limit: 3 } as never, 16)).toThrow(/the option "limit" of deleteRange/)
  })

  test('everything is deleted only by saying so', () => {
    expect(() => planDeletion(undefined as never, 16)).toThrow(/pass bounds, or \{\} to delete every key/)
    expect(planDeletion({}, 16)).toEqual({ start: '', end: undefined })
  })
})
