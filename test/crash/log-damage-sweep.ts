/**
 * The log's tail cut at every byte of its last frames, and every byte of its frames flipped: each on a directory of its own,
 * opened as an application would.
 *
 * A *cut* at a byte: nothing of the log from there on was ever written. Either the file ends there, or zeros follow (the
 * segment was written ahead); segments behind it hold no frames. It must open, with everything in the frames that the
 * cut left whole, and no more than the frame that it went through (zeros behind its last commit are as good as padding).
 *
 * A *flip* changes one bit of a byte. In a frame that has a witness it must be refused, naming the segment and an offset within
 * the frame, every byte of the directory as it was.
 *
 * A sweep opens for reading alone at every `stride`-th byte (1: all), which costs little, or in the everyday way, which recovers and
 * writes, at the bytes of header and payload and, `stride` apart, of the padding behind them. Used by log-damage.test.ts and log-damage-campaign.ts.
 */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { SEGMENT_HEADER_BYTES } from '../../src/storage/log/log-format'
import type { Files, Frame, Image, Opening } from './log-damage-image'
import { inTemporary, openAndJudge, writeFiles } from './log-damage-image'

/** How a cut file ends. */
export type CutForm = 'truncated' | 'zeros'

/** Which bytes of a frame, and how each directory is opened. */
export interface SweepOptions {
  readonly opening: Opening
  /** Between places in header and payload, in bytes. */
  readonly contentStride: number
  /** Between places in the padding, in bytes. */
  readonly paddingStride: number
}

/** Cuts the log at bytes of its last `lastFrames` frames that hold commits. Returns the number of places. */
export async function sweepCuts(
  image: Image,
  options: SweepOptions & { readonly lastFrames: number; readonly form: CutForm },
): Promise<number> {
  const withCommits = image.frames.filter((frame) => frame.commits > 0)
  const { form, opening } = options
  let places = 0
  await inTemporary(async (directory) => {
    for (const frame of withCommits.slice(-options.lastFrames)) {
      // Zeros behind the payload are what is there: such cuts are one and the same file.
      const end = form === 'zeros' ? frame.contentBytes : frame.bytes
      for (const at of placesIn({ contentBytes: frame.contentBytes, bytes: end + 1 }, options)) {
        await cutOnce(directory, image, { frame, offset: frame.offset + at, form, opening })
        places++
      }
    }
  })
  return places
}

/** Offsets from 0 up to `bytes`, the last one always among them. */
function placesIn(frame: { readonly contentBytes: number; readonly bytes: number }, options: SweepOptions): number[] {
  const places: number[] = []
  for (
    let at = 0;
    at < frame.bytes - 1;
    at += at < frame.contentBytes ? options.contentStride : options.paddingStride
  ) {
    places.push(at)
  }
  return [...places, frame.bytes - 1]
}

interface Cut {
  readonly frame: Frame
  readonly offset: number
  readonly form: CutForm
  readonly opening: Opening
}

async function cutOnce(directory: string, image: Image, cut: Cut): Promise<void> {
  const files = cutFiles(image.files, cut)
  writeFiles(directory, files)
  const outcome = await openAndJudge(directory, files, image, cut.opening)
  const name = `cut (${cut.form}) at ${cut.offset} of ${cut.frame.file}`
  if (outcome.kind !== 'opened') throw new Error(`${name}: refused: ${outcome.message}`)
  const isWhole = cut.offset === cut.frame.offset + cut.frame.bytes
  const least = isWhole ? cut.frame.sequence : cut.frame.sequence - cut.frame.commits
  if (outcome.sequence < least || outcome.sequence > cut.frame.sequence) {
    throw new Error(`${name}: found ${outcome.sequence}, where ${least} to ${cut.frame.sequence} belong`)
  }
}

/** The directory as it would be had nothing been written from the cut on. */
function cutFiles(files: Files, { frame, offset, form }: Cut): Files {
  return new Map(
    [...files].map(([name, bytes]) => {
      if (!name.endsWith('.log') || name < frame.file) return [name, bytes]
      if (name === frame.file && form === 'truncated') return [name, bytes.subarray(0, offset)]
      const from = name === frame.file ? offset : SEGMENT_HEADER_BYTES
      return [name, Buffer.concat([bytes.subarray(0, from), Buffer.alloc(bytes.length - from)])]
    }),
  )
}

/** Flips a bit of bytes of each of `frames`; each must be refused, the directory unchanged. Returns the number of places. */
export async function sweepFlips(image: Image, frames: readonly Frame[], options: SweepOptions): Promise<number> {
  let places = 0
  await inTemporary(async (directory) => {
    writeFiles(directory, image.files)
    for (const frame of frames) {
      for (const at of placesIn(frame, options)) {
        await flipOnce(directory, image, { frame, offset: frame.offset + at, opening: options.opening })
        places++
      }
    }
  })
  return places
}

interface FlipPlace {
  readonly frame: Frame
  readonly offset: number
  readonly opening: Opening
}

/** REQUIRES: the directory holds the image; it does again afterwards, since a refusal has changed nothing. */
async function flipOnce(directory: string, image: Image, place: FlipPlace): Promise<void> {
  const { frame, offset } = place
  const bytes = Buffer.from(image.files.get(frame.file)!)
  bytes[offset]! ^= 1 << (offset % 8)
  const file = path.join(directory, frame.file)
  writeFileSync(file, bytes)
  const outcome = await openAndJudge(directory, new Map([...image.files, [frame.file, bytes]]), image, place.opening)
  const name = `byte ${offset} of ${frame.file} flipped (frame ${frame.offset} to ${frame.offset + frame.bytes})`
  if (outcome.kind === 'opened') throw new Error(`${name}: opened with sequence ${outcome.sequence}`)
  const isNamed = outcome.file === frame.file && outcome.offset >= frame.offset && outcome.offset < frame.offset + frame.bytes // prettier-ignore
  if (!isNamed) throw new Error(`${name}: the error names ${outcome.offset} of ${outcome.file}: ${outcome.message}`)
  writeFileSync(file, image.files.get(frame.file)!)
}

/** The frames that must be refused when damaged: while open, all before the last group; after a clean close, all. */
export function witnessedFrames(image: Image, isClosed: boolean): readonly Frame[] {
  if (isClosed) return image.frames
  const lastGroup = image.frames.filter((frame) => frame.commits > 0).at(-1)!
  return image.frames.slice(0, image.frames.indexOf(lastGroup))
}
