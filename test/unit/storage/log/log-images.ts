/** Disks with a log on them, as they are after a life of commits, and what can be done to their bytes. */
import { segmentFileName } from '../../../../src/storage/log/log-format'
import type { LogEnd } from '../../../../src/storage/log/log-contract'
import type { DurableImage } from '../../../support/memory-runtime/durable-image'
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import { commit, DIRECTORY, openWorld, putBatch, recover } from './log-world'
import type { Recovered } from './log-world'

/** The least segments there are, so that a life of a few commits has several. */
export const TINY = { segmentBytesMin: 16 * 1024, segmentBytesMax: 32 * 1024, logSliceBytes: 16 * 1024 }

/** One frame on disk. */
export interface FrameFacts {
  readonly segment: number
  readonly offset: number
  readonly bytes: number
  readonly payloadBytes: number
  readonly lastSequence: number
}

/** A log that was written and then cut off or closed. */
export interface FinishedLog {
  readonly image: DurableImage
  readonly named: readonly number[]
  /** One for each frame with commits: its place, its length, and the last sequence in it. */
  readonly frames: readonly FrameFacts[]
  readonly cleanEnd: LogEnd | undefined
}

/** Writes `groups` times `perGroup` commits and a sync: a frame, or two where a segment ends; then the power goes, or the log is closed. */
export async function finishedLog(options: {
  readonly groups: number
  readonly perGroup: number
  readonly valueBytes?: number
  readonly close?: boolean
}): Promise<FinishedLog> {
  const runtime = createMemoryRuntime({ clockJumps: false })
  const { log, named } = await openWorld(runtime, { limits: TINY })
  let sequence = 0
  for (let group = 0; group < options.groups; group++) {
    for (let i = 0; i < options.perGroup; i++) {
      sequence++
      await commit(log, putBatch(sequence, options.valueBytes ?? 40), sequence)
    }
    await log.sync()
  }
  const frames = framesIn(runtime)
  const cleanEnd = options.close === true ? await log.close() : undefined
  return { image: runtime.durableImage('synced-only'), named: [...named], frames, cleanEnd }
}

function framesIn(runtime: MemoryRuntime): FinishedLog['frames'] {
  const { files } = runtime.durableImage('synced-only')
  return runtime.calls
    .filter(({ operation, length }) => operation === 'thread-write' && (length ?? 0) < 16_384)
    .map(({ path, position, length }) => ({
      segment: Number.parseInt(path.slice(path.lastIndexOf('/') + 1), 10),
      offset: position!,
      bytes: length!,
      payloadBytes: Buffer.from(files.get(path)!).readUInt32LE(position! + 32),
      lastSequence: Buffer.from(files.get(path)!).readUInt32LE(position! + 48),
    }))
}

/** A copy of a disk with one segment's bytes replaced by what `change` makes of them; undefined removes the file. */
export function withSegment(
  image: DurableImage,
  segment: number,
  change: (bytes: Uint8Array) => Uint8Array | undefined,
): DurableImage {
  const path = `${DIRECTORY}/${segmentFileName(segment)}`
  const files = new Map(image.files)
  const changed = change(image.files.get(path)!.slice())
  if (changed === undefined) files.delete(path)
  else files.set(path, changed)
  return { ...image, files }
}

/** Recovers from a disk; gives the error instead where recovery refuses. */
export async function tryRecover(
  log: Pick<FinishedLog, 'named' | 'cleanEnd'>,
  image: DurableImage,
): Promise<Recovered | Error> {
  const runtime = createMemoryRuntime({ files: image })
  return recover(runtime, log.named, { cleanEnd: log.cleanEnd }).catch((error: unknown) => error as Error)
}
