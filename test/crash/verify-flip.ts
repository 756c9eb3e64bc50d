/**
 * Whether `verify` finds a flipped bit, for any bit of a small database (bit-flip.ts).
 *
 * Every bit is found but those of files that nothing depends on, which are named here and nowhere else: LOCK says who has the
 * database open, and only to people; an orphan is removed by the next open and read by nobody. (RESERVE would be a third.) All others are under a
 * checksum, or were written as zeros once and for all, which verification holds them to.
 */
import path from 'node:path'
import { verifyStore } from '../../src/storage/inspect/verify-store'
import type { VerifyReport } from '../../src/base/verification'
import { createMemoryRuntime } from '../support/memory-runtime/memory-runtime'
import type { FlipImage, FlipPlace } from './bit-flip'
import { FLIP_DIRECTORY, flippedFiles } from './bit-flip'

/** What became of a flip. 'noted': it cannot be told from what a crash leaves. */
export type VerifyOutcome = 'damage' | 'noted' | 'nothing depends on it'

/** Verifies the database, as it is unless a bit is to be flipped. */
export async function verifyImage(image: FlipImage, place?: FlipPlace): Promise<VerifyReport> {
  const files = place === undefined ? image.disk.files : flippedFiles(image, place)
  const runtime = createMemoryRuntime({ seed: 1, files: { ...image.disk, files } })
  const report = await verifyStore(runtime, FLIP_DIRECTORY)
  const after = runtime.durableImage('everything').files
  for (const [file, bytes] of files)
    if (!sameBytes(after.get(file), bytes)) throw new Error(`verification has changed ${file}`)
  return report
}

/** Flips a bit and verifies. Throws unless the flip is found, or is one that need not be. */
export async function flipAndVerify(image: FlipImage, before: VerifyReport, place: FlipPlace): Promise<VerifyOutcome> {
  const report = await verifyImage(image, place)
  const isOf = ({ file }: { readonly file: string }): boolean => file === path.posix.basename(place.file)
  if (!report.ok && report.damages.some(isOf)) return 'damage'
  const where = `${image.ending}: bit ${place.bit} of byte ${place.offset} of ${place.file}`
  if (!report.ok) throw new Error(`${where} is blamed on others: ${JSON.stringify(report.damages)}`)
  const known = new Set(before.notes.map((note) => JSON.stringify(note)))
  if (report.notes.some((note) => isOf(note) && !known.has(JSON.stringify(note)))) return 'noted'
  const isUnused = before.files.some((file) => isOf(file) && file.state === 'unused')
  if (place.file === 'LOCK' || isUnused) return 'nothing depends on it'
  throw new Error(`${where} was not found`)
}

function sameBytes(one: Uint8Array | undefined, other: Uint8Array): boolean {
  return one !== undefined && Buffer.compare(one, other) === 0
}
