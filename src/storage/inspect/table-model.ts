/**
 * What a learned index does with the separators of a table: measured error by error, and as points and lines to be drawn.
 *
 *   numbers   the separators' numbers, ascending; equal ones stand for one place, the first of them
 *   point     a number's place, and how far off the model's prediction of it is
 *   line      what one segment predicts, from its first number to just before the next segment's
 *
 * Pure but for `readTableModel`, which reads the index of one table. Pinned by test/unit/storage/inspect/inspect-table.test.ts.
 */
import { CorruptionError, InvalidArgumentError } from '../../base/errors'
import { fitModel } from '../../learned/fit-model'
import { SEGMENT_DOUBLES } from '../../learned/piecewise-model'
import type { PiecewiseModel } from '../../learned/piecewise-model'
import type { Runtime } from '../../runtime/runtime'
import { tableFileName } from '../files/file-names'
import { MODEL_ERROR_MAX } from '../table/index-mode'
import type { IndexRoot } from '../table/index-format'
import { takePicture } from './picture'
import { TableParts } from '../table/table-parts'

/** Errors in blocks, over the distinct numbers of a table. */
export interface ModelMeasures {
  readonly largestError: number
  readonly meanError: number
  /** Numbers whose prediction is further off than the model says it can be: 0 in a sound one. */
  readonly beyondStated: number
}

/** A distinct number of a table. */
export interface ModelPoint {
  /** The number: six bytes of a separator as an integer. */
  readonly number: number
  /** Its place among the blocks. */
  readonly position: number
  /** Predicted minus actual place, in blocks. */
  readonly error: number
}

/** A segment of the lowest level. */
export interface ModelLine {
  readonly from: { readonly number: number; readonly position: number }
  readonly to: { readonly number: number; readonly position: number }
}

/** The learned index of a table, to be drawn. */
export interface TableModel {
  readonly file: string
  readonly blocks: number
  /** Whether it stands in the file; else it was fitted for the drawing, as `indexMode: 'resident'` fits one. */
  readonly isStored: boolean
  /** The error it was fitted with, in blocks. */
  readonly fittedError: number
  readonly segmentsByLevel: readonly number[]
  readonly measures: ModelMeasures
  /** All distinct numbers, or evenly spaced ones of them. */
  readonly points: readonly ModelPoint[]
  readonly lines: readonly ModelLine[]
}

/** Holds a model's predictions against the places that there are. REQUIRES: numbers ascend; the model has as many. */
export function measureModel(model: PiecewiseModel, numbers: Float64Array): ModelMeasures {
  let [distinct, sum, largestError, beyondStated] = [0, 0, 0, 0]
  for (let i = 0; i < numbers.length; i++) {
    if (i > 0 && numbers[i] === numbers[i - 1]) continue
    const error = Math.abs(model.predict(numbers[i]!) - i)
    if (error > model.error) beyondStated++
    largestError = Math.max(largestError, error)
    sum += error
    distinct++
  }
  return { largestError, meanError: sum / Math.max(1, distinct), beyondStated }
}

/** How far off each prediction is: of every distinct number, or of about `pointsMax` of them. */
export function predictionErrors(
  model: PiecewiseModel,
  numbers: Float64Array,
  pointsMax: number,
): readonly ModelPoint[] {
  const points: ModelPoint[] = []
  const step = Math.max(1, Math.ceil(numbers.length / pointsMax))
  for (let i = 0; i < numbers.length; i += step) {
    const number = numbers[i]!
    if (i === 0 || number !== numbers[i - 1]) points.push({ number, position: i, error: model.predict(number) - i })
  }
  return points
}

/** The lines of the lowest level. */
export function segmentLines(model: PiecewiseModel): readonly ModelLine[] {
  const { doubles, segmentsByLevel, last } = model.parts
  return Array.from({ length: segmentsByLevel[0]! }, (_, segment) => {
    const number = doubles[SEGMENT_DOUBLES * segment]!
    const next = doubles[SEGMENT_DOUBLES * (segment + 1)]!
    const end = Math.max(number, Math.min(next - 1, last))
    return {
      from: { number, position: model.predict(number) },
      to: { number: end, position: model.predict(end) },
    }
  })
}

/** The numbers of all separators, in order. Throws `CorruptionError`, `IoError` where a page cannot be read. */
export async function readNumbers(parts: TableParts, root: IndexRoot): Promise<Float64Array> {
  const numbers = new Float64Array(root.count)
  let at = 0
  for (let page = 0; page < root.pageEnds.length; page++) {
    const { separators, spans } = await parts.page(root, page)
    numbers.set(separators.numbers.subarray(separators.count - spans.length), at)
    at += spans.length
  }
  return numbers
}

/**
 * Reads the learned index of table `number`; where it has none, fits one. Throws `InvalidArgumentError` if there is no such table or it
 * has no data blocks, `CorruptionError`, `UnsupportedFormatError`, `IoError`.
 */
export async function readTableModel(
  runtime: Runtime,
  directory: string,
  options: { readonly number: number; readonly pointsMax: number },
): Promise<TableModel> {
  const { number, pointsMax } = options
  const { names } = await takePicture(runtime, directory)
  const name = tableFileName(number)
  if (!names.includes(name)) throw new InvalidArgumentError(`Cannot look inside ${directory}: it has no table ${number}`) // prettier-ignore
  const parts = await TableParts.open(runtime, runtime.files.join(directory, name), number)
  try {
    const root = await parts.root()
    if (root === undefined) throw new CorruptionError(`Cannot read ${parts.file.path}: it has no index`, parts.file.path, 0) // prettier-ignore
    if (root.count === 0) {
      throw new InvalidArgumentError(`Cannot draw the index of ${parts.file.path}: it has no data blocks`)
    }
    const numbers = await readNumbers(parts, root)
    const stored = await parts.model(root.count)
    const model = stored?.model ?? fitModel(numbers, MODEL_ERROR_MAX)
    return {
      file: parts.file.path,
      blocks: root.count,
      isStored: stored !== undefined,
      fittedError: stored?.errorMax ?? MODEL_ERROR_MAX,
      segmentsByLevel: model.parts.segmentsByLevel,
      measures: measureModel(model, numbers),
      points: predictionErrors(model, numbers, pointsMax),
      lines: segmentLines(model),
    }
  } finally {
    await parts.close()
  }
}
