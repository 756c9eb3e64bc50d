/**
 * What the tools say: results on standard output, progress on standard error, a failure as one line and exit code 1.
 */
import { tableToMarkdown, tableToText } from './report'
import type { Table } from './report'

/** A line of the result. */
export function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** How far it is; the next note takes its place on a terminal. */
export function note(text: string): void {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`)
}

/** Circumstances, one fact a line, then tables. */
export function printReport(circumstances: readonly string[], tables: readonly Table[], markdown: boolean): void {
  for (const line of circumstances) say(markdown ? `- ${line}` : line)
  for (const table of tables) say(`\n${markdown ? tableToMarkdown(table) : tableToText(table)}`)
}

/** Runs a tool's main function. */
export function runTool(main: () => Promise<void>): void {
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  })
}
