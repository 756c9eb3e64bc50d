/**
 * What bench:learned found, as tables and verdicts. Pure. Pinned by test/unit/bench/learned.test.ts.
 */
import { spreadOfMetric } from './figures'
import type { Sample, Spread } from './figures'
import type { KeySetName } from './key-sets'
import type { BloomComparison } from './learned-bloom'
import type { Table } from './report'

export const MODES = ['binary', 'resident', 'lean', 'auto'] as const
export type MeasuredMode = (typeof MODES)[number]

/** One set of one size under one mode. */
export interface ModeResult {
  readonly seeks: readonly Sample[]
  readonly gets: readonly Sample[]
  readonly figures: Sample
}

/** One set of one size. */
export interface SetResult {
  readonly set: KeySetName
  readonly keys: number
  readonly byMode: Readonly<Record<MeasuredMode, ModeResult>>
}

/** A whole run. */
export interface LearnedRun {
  readonly circumstances: readonly string[]
  readonly results: readonly SetResult[]
  readonly checked: { readonly lookups: number; readonly hits: number; readonly fallbacks: number }
  readonly compaction: Sample | undefined
  readonly blooms: readonly BloomComparison[]
}

const nanoseconds = (result: ModeResult, what: 'seeks' | 'gets'): Spread | undefined =>
  spreadOfMetric(result[what], 'nanoseconds')

/** How many times as fast as `binary`; of whole lookups or of searches in the index alone. */
export function speedUp(result: SetResult, mode: MeasuredMode, what: 'seeks' | 'gets' = 'seeks'): number | undefined {
  const [base, own] = [nanoseconds(result.byMode.binary, what), nanoseconds(result.byMode[mode], what)]
  return base === undefined || own === undefined ? undefined : base.median / own.median
}

/** Resident bytes of the index as a part of those of `binary`. */
export function sizeShare(result: SetResult, mode: MeasuredMode): number {
  return result.byMode[mode].figures['indexBytes']! / result.byMode.binary.figures['indexBytes']!
}

function spreadCell(spread: Spread | undefined): string {
  return spread === undefined ? '' : `${spread.median.toFixed(0)} (${spread.min.toFixed(0)}-${spread.max.toFixed(0)})`
}

const ratio = (value: number | undefined): string => (value === undefined ? '' : value.toFixed(2))

/** Searches in the index alone. */
export function seekTable(run: LearnedRun): Table {
  return {
    title: 'Searches in the index, nanoseconds of processor time: median (least-greatest)',
    heads: ['keys', 'set', 'binary', 'resident', 'lean', 'auto', 'resident x', 'lean x', 'auto x', 'auto takes'],
    rows: run.results.map((result) => [
      result.keys.toLocaleString('en-US'),
      result.set,
      ...MODES.map((mode) => spreadCell(nanoseconds(result.byMode[mode], 'seeks'))),
      ratio(speedUp(result, 'resident')),
      ratio(speedUp(result, 'lean')),
      ratio(speedUp(result, 'auto')),
      result.byMode.auto.figures['isLearned'] === 1 ? 'resident' : 'binary',
    ]),
  }
}

/** Whole lookups. */
export function getTable(run: LearnedRun): Table {
  const rows = run.results.filter((result) => nanoseconds(result.byMode.binary, 'gets') !== undefined)
  return {
    title: 'Whole lookups in a table (hash, filter, index, block; all cached), nanoseconds: median (least-greatest)',
    heads: ['keys', 'set', 'binary', 'resident', 'lean', 'auto', 'resident x', 'lean x', 'auto x'],
    rows: rows.map((result) => [
      result.keys.toLocaleString('en-US'),
      result.set,
      ...MODES.map((mode) => spreadCell(nanoseconds(result.byMode[mode], 'gets'))),
      ...(['resident', 'lean', 'auto'] as const).map((mode) => ratio(speedUp(result, mode, 'gets'))),
    ]),
  }
}

/** Sizes and shapes of the models. */
export function sizeTable(run: LearnedRun): Table {
  return {
    title: 'Size and shape',
    heads: ['keys', 'set', 'blocks', 'segments', 'levels', 'greatest error', 'equal numbers', 'binary bytes', 'lean bytes', 'lean share', 'fit ns a block'], // prettier-ignore
    rows: run.results.map((result) => {
      const { figures } = result.byMode.resident
      return [
        result.keys.toLocaleString('en-US'),
        result.set,
        ...['blocks', 'segments', 'levels', 'errorGreatest'].map((name) => String(figures[name])),
        `${((100 * figures['ties']!) / figures['blocks']!).toFixed(0)} %`,
        result.byMode.binary.figures['indexBytes']!.toLocaleString('en-US'),
        result.byMode.lean.figures['indexBytes']!.toLocaleString('en-US'),
        `1/${(1 / sizeShare(result, 'lean')).toFixed(0)}`,
        figures['fitNanoseconds']!.toFixed(0),
      ]
    }),
  }
}

/** Sets without many equal numbers. */
const isSmooth = (result: SetResult): boolean => {
  const { ties, blocks } = result.byMode.binary.figures
  return ties! < blocks! / 4
}

/** What was to be reached, and what was. */
export function verdictTable(run: LearnedRun): Table {
  const { results } = run
  const sets = new Set(results.map(({ set }) => set)).size
  const sizes = [...new Set(results.map(({ keys }) => keys))]
  const rows = sizes.map((keys) => {
    const fast = results.filter((result) => result.keys === keys && (speedUp(result, 'resident') ?? 0) >= 1.2).length
    return [
      `resident >= 1.2 x on half of the sets, ${keys.toLocaleString('en-US')} keys`,
      fast * 2 >= sets ? 'met' : 'missed',
      `${fast} of ${sets}`,
    ]
  })
  const worst = (list: readonly SetResult[], of: (result: SetResult) => number, isLess: boolean): string[] => {
    const sorted = [...list].sort((a, b) => (isLess ? of(a) - of(b) : of(b) - of(a)))
    const result = sorted[0]
    return result === undefined
      ? []
      : [of(result).toFixed(3), `${result.set}, ${result.keys.toLocaleString('en-US')} keys`]
  }
  const judge = (
    what: string,
    list: readonly SetResult[],
    of: (result: SetResult) => number,
    bound: number,
    isLess: boolean,
  ): void => {
    // prettier-ignore
    const found = worst(list, of, isLess)
    if (found.length === 0) return
    const isMet = isLess ? Number(found[0]) >= bound : Number(found[0]) <= bound
    rows.push([what, isMet ? 'met' : 'missed', `worst ${found[0]!} (${found[1]!})`])
  }
  const smooth = results.filter(isSmooth)
  const tied = results.filter((result) => !isSmooth(result))
  judge('auto never below 0.97 x', results, (result) => speedUp(result, 'auto') ?? 1, 0.97, true)
  judge('lean <= 1/8 of the bytes on smooth sets', smooth, (result) => sizeShare(result, 'lean'), 1 / 8, false)
  judge('lean <= 1/2 on those with many equal numbers', tied, (result) => sizeShare(result, 'lean'), 1 / 2, false)
  judge('lean >= 0.97 x with a warm cache, smooth sets', smooth, (result) => speedUp(result, 'lean') ?? 1, 0.97, true)
  judge('lean >= 0.97 x, sets with many equal numbers', tied, (result) => speedUp(result, 'lean') ?? 1, 0.97, true)
  if (run.compaction !== undefined) {
    const share = run.compaction['share']!
    rows.push(['fitting <= 3 % of compaction time', share <= 0.03 ? 'met' : 'missed', `${(100 * share).toFixed(2)} %`])
  }
  const { lookups, hits, fallbacks } = run.checked
  rows.push([
    'searches held against binary search, none wrong',
    'met',
    `${lookups.toLocaleString('en-US')} searches; ${((100 * fallbacks) / Math.max(1, hits + fallbacks)).toFixed(1)} % needed more than the window or first page`,
  ])
  return { title: 'What was to be reached', heads: ['what', 'outcome', 'measured'], rows }
}

/** The learned Bloom filter. */
export function bloomTable(run: LearnedRun): Table {
  return {
    title: 'Absent keys let through at 10 bits a key: a plain filter, and the best learned one of the same bits',
    heads: ['set', 'absent keys', 'plain', 'learned', 'intervals of the best'],
    rows: run.blooms.map(({ set, absent, plain, learned, intervals }) => [
      set,
      absent,
      `${(100 * plain).toFixed(2)} %`,
      `${(100 * learned).toFixed(2)} %`,
      intervals === 0 ? 'none: plain' : String(intervals),
    ]),
  }
}
