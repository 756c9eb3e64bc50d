/**
 * Finds the compiled thread entry: `dist/worker.js` under the root of this package.
 *
 * The root is the nearest folder above this file whose package.json is ours: that holds for the sources (tests, ts-node)
 * and for the published build alike. Inside an application's own bundle there is no such folder, and the answer is
 * undefined: work then runs inline.
 *
 * Pinned by test/unit/runtime/worker-file.test.ts.
 */
import fs from 'node:fs'
import path from 'node:path'

const packageName = 'strictkv'

/** The path of the compiled thread entry as seen from `directory`, or undefined if there is none. */
export function findWorkerFile(directory: string = __dirname): string | undefined {
  for (let folder = path.resolve(directory); ; folder = path.dirname(folder)) {
    if (isOurs(path.join(folder, 'package.json'))) {
      const file = path.join(folder, 'dist', 'worker.js')
      return fs.existsSync(file) ? file : undefined
    }
    if (path.dirname(folder) === folder) return undefined
  }
}

/**
 * As `findWorkerFile`, for threads that must be of the same build as their caller: run from the sources, an entry older than any
 * of them is none.
 */
export function findFreshWorkerFile(directory: string = __dirname): string | undefined {
  const file = findWorkerFile(directory)
  if (file === undefined) return undefined
  const sources = path.join(path.dirname(path.dirname(file)), 'src')
  if (!path.resolve(directory).startsWith(sources + path.sep)) return file
  return newestMs(sources) <= fs.statSync(file).mtimeMs ? file : undefined
}

function newestMs(folder: string): number {
  let newest = 0
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const place = path.join(folder, entry.name)
    newest = Math.max(newest, entry.isDirectory() ? newestMs(place) : fs.statSync(place).mtimeMs)
  }
  return newest
}

function isOurs(manifest: string): boolean {
  try {
    const value: unknown = JSON.parse(fs.readFileSync(manifest, 'utf8'))
    return typeof value === 'object' && value !== null && 'name' in value && value.name === packageName
  } catch {
    return false
  }
}
