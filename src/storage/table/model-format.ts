/**
 * The byte layout of a table's learned model (SECTION_MODEL); a reader may ignore it. The model itself: learned/piecewise-model.ts.
 *
 *     0  u32 count of numbers: the data blocks      4  u16 error it was fitted with       6  u16 levels
 *     8  f64 the last number
 *    16  u32 segments[levels]   the lowest level first, the last has one; each level is closed by one more segment, not counted
 *        f64 key, f64 slope, f64 intercept   for each segment, closing ones included, level by level
 *        u32 first position, u32 error       for each of them
 *
 * Checked beyond its checksum: lengths, and that levels shrink to one. What the numbers *say* is not checked here and need not be:
 * every prediction is verified where it is used, so a lie costs time.
 *
 * Worked through in docs/FORMATS.md. Pinned by test/unit/storage/table/model-format.test.ts.
 */
import { assert } from '../../base/assert'
import { PiecewiseModel, SEGMENT_DOUBLES, SEGMENT_WORDS } from '../../learned/piecewise-model'
import type { ModelCounters } from '../../learned/piecewise-model'
import { corrupt } from './table-format'
import type { BlockPlace } from './table-format'

const HEADER_BYTES = 16
const SEGMENT_BYTES = 8 * SEGMENT_DOUBLES + 4 * SEGMENT_WORDS
/** Each level has at most half the segments of the one below: 2^32 numbers need no more. */
const LEVELS_MAX = 32
const PADDING_BYTES_MAX = 3

/** A model and the error it was fitted with. */
export interface StoredModel {
  readonly model: PiecewiseModel
  readonly errorMax: number
}

/** Encodes a model. */
export function encodeModel({ model, errorMax }: StoredModel): Buffer {
  const { count, last, segmentsByLevel, doubles, words } = model.parts
  assert(segmentsByLevel.length <= LEVELS_MAX, 'levels shrink at least by half')
  const payload = Buffer.alloc(HEADER_BYTES + 4 * segmentsByLevel.length + 8 * doubles.length + 4 * words.length)
  payload.writeUInt32LE(count, 0)
  payload.writeUInt16LE(errorMax, 4)
  payload.writeUInt16LE(segmentsByLevel.length, 6)
  payload.writeDoubleLE(last, 8)
  let at = HEADER_BYTES
  for (const segments of segmentsByLevel) at = payload.writeUInt32LE(segments, at)
  for (const double of doubles) at = payload.writeDoubleLE(double, at)
  for (const word of words) at = payload.writeUInt32LE(word, at)
  return payload
}

/** Decodes a model of a table with `blocks` data blocks. Throws `CorruptionError`. */
export function decodeModel(
  payload: Buffer,
  place: BlockPlace,
  options: { readonly blocks: number; readonly counters: ModelCounters },
): StoredModel {
  if (payload.length < HEADER_BYTES) throw corrupt(place, 'the model is shorter than its header')
  const count = payload.readUInt32LE(0)
  const levels = payload.readUInt16LE(6)
  if (count === 0 || count !== options.blocks || levels === 0 || levels > LEVELS_MAX) {
    throw corrupt(place, `a model of ${count} numbers and ${levels} levels is not one of ${options.blocks} blocks`)
  }
  const segmentsAt = HEADER_BYTES + 4 * levels
  if (payload.length < segmentsAt) throw corrupt(place, 'the model is shorter than its levels')
  const segmentsByLevel = Array.from({ length: levels }, (_, level) => payload.readUInt32LE(HEADER_BYTES + 4 * level))
  const total = segmentsByLevel.reduce((sum, segments) => sum + segments + 1, 0)
  const unused = payload.length - segmentsAt - SEGMENT_BYTES * total
  if (unused < 0 || unused > PADDING_BYTES_MAX || !shrinkToOne(segmentsByLevel, count)) {
    throw corrupt(place, "the model's levels do not fit it")
  }
  const doubles = new Float64Array(SEGMENT_DOUBLES * total)
  const words = new Uint32Array(SEGMENT_WORDS * total)
  let at = segmentsAt
  for (let i = 0; i < doubles.length; i++, at += 8) doubles[i] = payload.readDoubleLE(at)
  for (let i = 0; i < words.length; i++, at += 4) words[i] = payload.readUInt32LE(at)
  const parts = { count, last: payload.readDoubleLE(8), segmentsByLevel, doubles, words }
  return { model: new PiecewiseModel(parts, options.counters), errorMax: payload.readUInt16LE(4) }
}

function shrinkToOne(segmentsByLevel: readonly number[], count: number): boolean {
  let below = count + 1
  for (const segments of segmentsByLevel) {
    if (segments === 0 || segments >= below) return false
    below = segments
  }
  return below === 1
}
