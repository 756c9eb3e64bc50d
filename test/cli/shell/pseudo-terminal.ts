/**
 * Drives a program as a person would: through a pseudo-terminal, with keys, waiting for what the screen shows.
 *
 * The terminal is made by `script`, which any Linux (util-linux) and macOS have. Nothing here sleeps: each step waits for text that must
 * come, and a test that waits in vain fails with the screen in its message when jest gives up on it.
 */
import { spawn } from 'node:child_process'
import path from 'node:path'

/** Keys that are no letters. */
export const KEYS = { enter: '\r', tab: '\t', up: '\x1b[A', ctrlC: '\x03', ctrlD: '\x04' } as const

const program = path.resolve(__dirname, '../../../dist/cli.js')
/** For a wait that is in vain, below jest's own limit so that the screen can be shown. */
const HANG_MS = 60_000

/** A program in a pseudo-terminal. */
export interface PseudoTerminal {
  /** Everything printed so far, as it came. */
  readonly raw: () => string
  press(...keys: string[]): void
  /** Types a line and presses Enter. */
  enter(line: string): void
  /** Waits until `text` has been printed behind what was waited for last, colours and cursor moves apart. */
  see(text: string): Promise<void>
  /** Stops reading, so that the program blocks once its buffers are full; and goes on. */
  pause(): void
  resume(): void
  /** The exit code, once it has ended. */
  ended(): Promise<number>
}

/** Starts `strictkv` with these words. */
export function startInTerminal(
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): PseudoTerminal {
  const line = [process.execPath, program, ...words].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
  const command = `stty cols 200 rows 50; exec ${line}`
  const isLinux = process.platform === 'linux'
  const child = spawn('script', isLinux ? ['-qfec', command, '/dev/null'] : ['-q', '/dev/null', 'sh', '-c', command], {
    env: { PATH: process.env['PATH'], TERM: 'xterm', ...environment },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let raw = ''
  /** What was printed, without colours and cursor moves; of that, what has been waited for. */
  let shown = ''
  let seen = 0
  /** The beginning of an escape sequence whose end has not come. */
  let rest = ''
  let wake: (() => void) | undefined
  let exitCode: number | undefined
  child.stdout.setEncoding('utf8')
  child.stdout.on('data', (text: string) => {
    raw += text
    const [, whole, begun] = /^([^]*?)(\x1b(?:\[[0-9;?]*)?)?$/.exec(rest + text)!
    shown += plain(whole!)
    rest = begun ?? ''
    wake?.()
  })
  child.on('close', (code) => {
    exitCode = code ?? -1
    wake?.()
  })
  const changed = (waitingFor: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        child.kill('SIGKILL')
        reject(new Error(`waited in vain for ${waitingFor}; the screen:\n${shown.slice(seen)}`))
      }, HANG_MS)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  return {
    raw: () => raw,
    press: (...keys) => child.stdin.write(keys.join('')),
    enter: (typed) => child.stdin.write(`${typed}${KEYS.enter}`),
    see: async (text) => {
      for (;;) {
        const at = shown.indexOf(text, seen)
        if (at >= 0) {
          seen = at + text.length
          return
        }
        if (exitCode !== undefined) {
          throw new Error(`it ended with ${exitCode} before it showed ${text}:\n${shown.slice(seen)}`)
        }
        await changed(JSON.stringify(text))
      }
    },
    pause: () => void child.stdout.pause(),
    resume: () => void child.stdout.resume(),
    ended: async () => {
      while (exitCode === undefined) await changed('its end')
      return exitCode
    },
  }
}

/** Without colours, cursor moves and carriage returns. */
function plain(raw: string): string {
  return raw.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '').replaceAll('\r', '')
}
