// Where a long run keeps what it needs to go on: TLC's checkpoints, and how much was done in earlier pieces.
//
//   STATES/<configuration>/key          the hash of what is checked: without comments, so that a comment costs no hours
//   STATES/<configuration>/pieces.json  one entry for each piece that has ended: its seconds, and how it ended
//   STATES/<configuration>/output.txt   what TLC has printed, all pieces
//   STATES/<configuration>/tlc/<name>   TLC's states and its newest checkpoint
//
// A folder of another key is of no use to anybody and is emptied. Folders live outside the repository, beside TLC's jar; they
// grow to some hundred bytes a state and are removed when the run has ended.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'

/** The folder of all long runs: `given`, or one in the cache. */
export function statesFolder(given, environment = process.env) {
  const cache = environment.XDG_CACHE_HOME || path.join(homedir(), '.cache')
  return given ?? path.join(cache, 'strictkv', 'states')
}

/** The text without comments and blanks: what it says to TLC. */
export function bareText(text) {
  let bare = ''
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const pair = text.slice(i, i + 2)
    if (pair === '(*' || (pair === '*)' && depth > 0)) {
      depth += pair === '(*' ? 1 : -1
      i++
    } else if (depth === 0) bare += text[i]
  }
  return bare
    .replace(/\\\*.*$/gm, '')
    .replace(/\s+/g, ' ')
    .trim()
}

/** What `texts` come to: the module, what it extends, and the .cfg. */
export function keyOf(texts) {
  return createHash('sha256').update(texts.map(bareText).join('\n')).digest('hex')
}

/** The folder of one long run, emptied if it belongs to another text. */
export class LongRun {
  constructor(folder, key) {
    this.folder = folder
    this.output = path.join(folder, 'output.txt')
    const file = path.join(folder, 'key')
    if (existsSync(file) && readFileSync(file, 'utf8') !== key) rmSync(folder, { recursive: true })
    mkdirSync(path.join(folder, 'tlc'), { recursive: true })
    writeFileSync(file, key)
  }

  /** The pieces that have ended. */
  get pieces() {
    const file = path.join(this.folder, 'pieces.json')
    return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : []
  }

  addPiece(piece) {
    writeFileSync(path.join(this.folder, 'pieces.json'), JSON.stringify([...this.pieces, piece]))
  }

  /** The newest checkpoint that is whole, if there is one. */
  get checkpoint() {
    const tlc = path.join(this.folder, 'tlc')
    const whole = readdirSync(tlc).filter((name) => existsSync(path.join(tlc, name, 'queue.chkpt')))
    const newest = whole.sort((a, b) => changedMs(path.join(tlc, b)) - changedMs(path.join(tlc, a)))[0]
    return newest === undefined ? undefined : path.join(tlc, newest)
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

function changedMs(folder) {
  return statSync(path.join(folder, 'queue.chkpt')).mtimeMs
}
