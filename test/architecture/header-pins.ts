/**
 * The pins of source files against the tests that exist: `Pinned by <tests>` in a comment under src.
 *
 * A pin is the rest of its sentence. In it, everything that looks like a path is one: `test/unit/base/bytes.test.ts`, a
 * folder (`test/contract/engine`), a bare `table-corruption.test.ts` (in the folder of the path before it), and
 * `test/unit/storage/{memtable,table}.test.ts` (each of them). Words around the paths are for people.
 */
import path from 'node:path'
import type { Tree } from './source-files'

/** One sentence for each pin that names no path, or a path that `exists` does not know. */
export function findBrokenHeaderPins(sources: Tree, exists: (file: string) => boolean): string[] {
  return [...sources].flatMap(([file, text]) => {
    return headerPinsOf(text).flatMap((pin) => {
      const paths = pathsOf(pin)
      if (paths.length === 0) return [`${file} is pinned by "${pin}", which names no file`]
      return paths
        .filter((named) => !exists(named))
        .map((named) => `${file} is pinned by ${named}, which does not exist`)
    })
  })
}

/** What follows "Pinned by" in each comment of a file, up to the end of its sentence. */
export function headerPinsOf(text: string): string[] {
  const plain = text.replace(/^\s*(\/\*\*?|\*\/|\*|\/\/)/gm, ' ').replace(/\s+/g, ' ')
  return [...plain.matchAll(/Pinned by:? (.*?)(?:\.(?= )|\.?\s*\*\/|\.?$)/g)].map((match) => match[1]!.trim())
}

/** The paths that a pin names. */
export function pathsOf(pin: string): string[] {
  const paths: string[] = []
  for (const [word] of pin.matchAll(/[\w./{},-]*[\w/}]/g)) {
    const isBare = /^[\w{},-]+\.test\.ts$/.test(word)
    if (!isBare && !/^(test|docs|specs)\//.test(word)) continue
    const folder = isBare ? path.posix.dirname(paths.at(-1) ?? '.') : ''
    paths.push(...expanded(path.posix.join(folder, word)))
  }
  return paths
}

function expanded(word: string): string[] {
  const braces = /^(.*)\{(.*)\}(.*)$/.exec(word)
  if (braces === null) return [word]
  const [, before, inner, after] = braces
  return inner!.split(',').map((part) => `${before!}${part}${after!}`)
}
