/**
 * A progress bar on standard error: only where that is a terminal, never under --json, at most ten times a second.
 *
 *   loading  [############................]  43 %  1.2 GiB of 2.8 GiB
 *
 * The line is taken away at the end, so that what stays is the answer. Pinned by test/cli/progress.test.ts.
 */
import type { Invocation } from './command'
import { bytesText, countText } from './figures'

/** A bar that is being drawn. */
export interface Progress {
  /** What is done; with `total`, of how much (both in the unit given at the start). */
  update(done: number, total?: number): void
  /** Takes the bar away. Idempotent. */
  end(): void
}

export interface ProgressOptions {
  /** What is going on, as in "loading". */
  readonly what: string
  /** What is counted: 'bytes', or a plural noun such as 'rows'. */
  readonly unit: string
}

const REDRAW_MS = 100
const BAR_CHARS = 28

/** A bar for the command, or one that draws nothing. */
export function startProgress(invocation: Invocation, options: ProgressOptions): Progress {
  const { terminal, json } = invocation
  if (json || !terminal.errIsTerminal) return { update: () => undefined, end: () => undefined }
  let drawnMs = -Infinity
  let isDrawn = false
  return {
    update: (done, total) => {
      const nowMs = performance.now()
      if (nowMs - drawnMs < REDRAW_MS) return
      drawnMs = nowMs
      isDrawn = true
      terminal.err(`\r\x1b[K${progressLine(options, done, total).slice(0, terminal.columns - 1)}`)
    },
    end: () => {
      if (isDrawn) terminal.err('\r\x1b[K')
      isDrawn = false
    },
  }
}

/** The line that is drawn. */
export function progressLine({ what, unit }: ProgressOptions, done: number, total: number | undefined): string {
  const amount = (value: number): string => (unit === 'bytes' ? bytesText(value) : countText(value))
  const noun = unit === 'bytes' ? '' : ` ${unit}`
  if (total === undefined || total <= 0) return `${what}  ${amount(done)}${noun}`
  const part = Math.min(1, done / total)
  const filled = Math.floor(part * BAR_CHARS)
  const bar = '#'.repeat(filled) + '.'.repeat(BAR_CHARS - filled)
  return `${what}  [${bar}] ${String(Math.floor(part * 100)).padStart(3)} %  ${amount(done)} of ${amount(total)}${noun}`
}
