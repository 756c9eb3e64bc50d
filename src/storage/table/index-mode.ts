/**
 * How the blocks of a table are found: the modes, and the choice between them for one table.
 *
 *   binary     all separators in memory, binary search over their numbers
 *   resident   the same, and a learned model that shortens the search to a few numbers
 *   lean       the model alone in memory; the last mile is an index page, evictable like a block
 *   auto       resident where the model pays, else binary; lean only by name
 *
 * Pure. Figures behind the numbers: docs/decisions/0011-index-modes.md. Pinned by test/unit/storage/table/index-mode.test.ts.
 */

/** What an application can ask for. */
export type IndexMode = 'auto' | 'binary' | 'resident' | 'lean'
/** What a table has. */
export type TableIndexMode = Exclude<IndexMode, 'auto'>

export const INDEX_MODES: readonly IndexMode[] = ['auto', 'binary', 'resident', 'lean']

/** The error that models are fitted with, in blocks: larger ones have fewer segments and longer last miles. */
export const MODEL_ERROR_MAX = 4

/** A model of fewer blocks has nothing to shorten. */
const BLOCKS_MIN = 128
/** Many segments mean many levels above them, each worth about three steps of a binary search: a large table has more to save. */
const BLOCKS_LARGE_MIN = 8192
const BLOCKS_PER_SEGMENT_MIN = 32
const BLOCKS_PER_SEGMENT_LARGE_MIN = 12
/** Where more of the numbers than this repeat the one before, the search ends among equal numbers, which no model tells apart. */
const TIE_SHARE_MAX = 1 / 4

/** What a model has to be judged by. */
export interface ModelFigures {
  readonly blocks: number
  readonly segments: number
  /** Blocks whose number is that of the block before. */
  readonly ties: number
}

/** Whether a model of these figures makes searches faster. */
export function modelPays({ blocks, segments, ties }: ModelFigures): boolean {
  const perSegment = blocks < BLOCKS_LARGE_MIN ? BLOCKS_PER_SEGMENT_MIN : BLOCKS_PER_SEGMENT_LARGE_MIN
  return blocks >= BLOCKS_MIN && segments * perSegment <= blocks && ties <= blocks * TIE_SHARE_MAX
}

/** How many of ascending numbers repeat the one before. */
export function countTies(numbers: Float64Array): number {
  let ties = 0
  for (let i = 1; i < numbers.length; i++) if (numbers[i] === numbers[i - 1]) ties++
  return ties
}
