/**
 * How many bits a table's filter has for each key, by how far above the last level it is written: a pure decision.
 *
 * A get of an absent key looks into as many blocks as there are runs whose filters let it pass by mistake: into the sum of their
 * rates. A level holds `levelSizeRatio` times less than the one below, so a bit more for each of its keys costs that much less
 * memory and gains as much. The sum is least for the memory where rates are proportional to sizes (Monkey): of an ideal filter that
 * is ln(ratio) / ln(2)^2 more bits a level, 2.9 where the ratio is 4.
 *
 *   levels above the last     0     1     2 and more
 *   bits a key               10    13    15                at the default of `filterBitsPerKey`: never more than half as many again
 *
 * The bound is there because tables move down as they are: ascending rows keep what they were flushed with.
 *
 * Pinned by test/unit/storage/table/filter-bits.test.ts.
 */
import type { Limits } from '../../base/limits'

/** No table has more bits than the limit says times this. */
export const FILTER_BITS_FACTOR_MAX = 1.5

/** Bits a key for tables written `levelsAboveLast` levels above the last one; 0: no filter. */
export function filterBits(
  levelsAboveLast: number,
  { filterBitsPerKey, levelSizeRatio }: Pick<Limits, 'filterBitsPerKey' | 'levelSizeRatio'>,
): number {
  const more = Math.round((levelsAboveLast * Math.log(levelSizeRatio)) / Math.LN2 ** 2)
  return Math.min(filterBitsPerKey + more, Math.floor(filterBitsPerKey * FILTER_BITS_FACTOR_MAX))
}
