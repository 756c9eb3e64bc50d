/**
 * What a manifest's options say of compression: the codec that tables are written with, and those that some may still have.
 *
 *   codec         the one that the store was last opened with
 *   codecs-used   every other one but 'none' that it was ever opened with, one space between two; absent if there is none
 *
 * A block says itself how it is compressed; these options are there so that a runtime that lacks a codec refuses the whole database
 * by name, and not some read of it later. They are synced before the first block of a codec is part of a table that the manifest
 * names. Pinned by test/unit/storage/files/codec-options.test.ts.
 */
import { codecs } from './codec'
import type { CodecName } from './codec'

const CODEC_OPTION = 'codec'
const CODECS_USED_OPTION = 'codecs-used'

/** The options once the store has been opened with `codec`. */
export function withCodec(options: ReadonlyMap<string, string>, codec: CodecName): Map<string, string> {
  const used = usedCodecs(options).filter((name) => name !== codec && name !== 'none')
  const next = new Map(options).set(CODEC_OPTION, codec)
  if (used.length === 0) next.delete(CODECS_USED_OPTION)
  else next.set(CODECS_USED_OPTION, used.join(' '))
  return next
}

/** Why tables written under these options cannot be read here; undefined if they can. */
export function codecProblem(options: ReadonlyMap<string, string>): string | undefined {
  for (const name of usedCodecs(options)) {
    const problem = codecs.problem(name)
    if (problem !== undefined) return `it has tables with codec ${name}, but ${problem}`
  }
  return undefined
}

/** Every codec that blocks may have, in order of name. */
function usedCodecs(options: ReadonlyMap<string, string>): readonly string[] {
  const current = options.get(CODEC_OPTION) ?? 'none'
  const others = options.get(CODECS_USED_OPTION)?.split(' ') ?? []
  return [...new Set([current, ...others])].sort((a, b) => (a < b ? -1 : 1))
}
