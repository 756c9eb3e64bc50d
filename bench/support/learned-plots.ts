/**
 * The plots of bench:learned: how models fit the key sets, and what the measured run looked like.
 *
 * Fits are drawn from the same separators that a table of 4 KiB blocks would have, about 34 keys apart. Pure.
 */
import { modelErrorPlot } from '../../src/cli/svg/model-drawing'
import { barsToSvg, plotToSvg } from '../../src/cli/svg/plot'
import { fitModel } from '../../src/learned/fit-model'
import { predictionErrors } from '../../src/storage/inspect/table-model'
import { MODEL_ERROR_MAX } from '../../src/storage/table/index-mode'
import { numberOfKey } from '../../src/storage/table/separators'
import { shortestSeparator } from '../../src/storage/table/table-index'
import { spreadOfMetric } from './figures'
import { createKeySet } from './key-sets'
import type { KeySetName } from './key-sets'
import type { LearnedRun } from './learned-report'
import { MODES, speedUp } from './learned-report'

const KEYS_PER_BLOCK = 34
const PLOTTED_KEYS = 100_000
const PLOTTED_POINTS = 1200
const SIZES = [3_000, 10_000, 30_000, 100_000, 300_000]

/** The numbers of a set's separators. */
export function separatorNumbers(set: KeySetName, keys: number): Float64Array {
  const keySet = createKeySet(set, keys)
  const separators: string[] = []
  for (let rank = KEYS_PER_BLOCK; rank < keys; rank += KEYS_PER_BLOCK) {
    separators.push(shortestSeparator(keySet.keyAt(rank - 1), keySet.keyAt(rank)))
  }
  separators.push(keySet.keyAt(keys - 1))
  const [first, last] = [separators[0]!, separators.at(-1)!]
  let shared = 0
  while (shared < first.length && first[shared] === last[shared]) shared++
  return Float64Array.from(separators, (key) => numberOfKey(key, shared))
}

/** How far off each prediction is, set by set. */
export function errorPlots(
  sets: readonly KeySetName[],
  keys = PLOTTED_KEYS,
): { readonly set: KeySetName; readonly svg: string }[] {
  return sets.map((set) => {
    const numbers = separatorNumbers(set, keys)
    const model = fitModel(numbers, MODEL_ERROR_MAX)
    // A dot for each, or for every so many of them: a plot has no room for more.
    const points = predictionErrors(model, numbers, PLOTTED_POINTS)
    const title = `${set}: prediction error at each distinct separator; ${model.segments} segments for ${numbers.length} blocks`
    return { set, svg: modelErrorPlot(title, set, points) }
  })
}

/** Segments over keys. */
export function segmentPlot(sets: readonly KeySetName[], sizes = SIZES): string {
  const series = sets.map((set) => ({
    name: set,
    points: sizes.map((keys) => [keys, fitModel(separatorNumbers(set, keys), MODEL_ERROR_MAX).segments] as const),
  }))
  return plotToSvg({ title: 'Segments over keys (about 34 keys a block)', xLabel: 'keys', yLabel: 'segments', series, isLogX: true, isLogY: true }) // prettier-ignore
}

/** Time of a search by mode, at the largest size measured. */
export function timePlot(run: LearnedRun): string {
  const keys = Math.max(...run.results.map((result) => result.keys))
  const groups = run.results
    .filter((result) => result.keys === keys)
    .map((result) => ({
      name: `${result.set} ${speedUp(result, 'resident')?.toFixed(1) ?? ''}x`,
      values: MODES.map((mode) => spreadOfMetric(result.byMode[mode].seeks, 'nanoseconds')?.median),
    }))
  return barsToSvg({ title: `Time of a search in the index, ${keys} keys`, yLabel: 'nanoseconds', groups, names: MODES }) // prettier-ignore
}

/** Resident bytes by mode, at the largest size measured. */
export function sizePlot(run: LearnedRun): string {
  const keys = Math.max(...run.results.map((result) => result.keys))
  const groups = run.results
    .filter((result) => result.keys === keys)
    .map((result) => ({
      name: result.set,
      values: MODES.map((mode) => result.byMode[mode].figures['indexBytes']),
    }))
  return barsToSvg({ title: `Resident bytes of the index, ${keys} keys`, yLabel: 'bytes', groups, names: MODES, isLogY: true }) // prettier-ignore
}
