/**
 * `npm run bench:smoke`: the rates of this machine, each beside its raw limit from the same run, against their targets.
 *
 * The method is docs/PERFORMANCE.md; what is measured is support/catalogue.ts, what has to be reached support/targets.ts.
 * Exit code 0 says that everything was measured, not that every target was met: rates are no test.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { selectCases } from './support/catalogue'
import { conduct } from './support/conductor'
import type { Run } from './support/conductor'
import { USAGE, parseOptions } from './support/options'
import type { SmokeOptions } from './support/options'
import { circumstancesOf, tableToMarkdown, tableToText, tablesOf } from './support/report'

/** The magic number of a file system that is memory: its syncs say nothing. */
const TMPFS_MAGIC = 0x01021994

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

function note(text: string): void {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`)
}

/** On the disk of the repository, ignored by version control, and not in the system's temporary directory, which may be memory. */
function defaultParent(): string {
  return path.join(path.dirname(__dirname), 'node_modules', '.cache')
}

async function measure(options: SmokeOptions): Promise<Run> {
  const parent = options.directory ?? defaultParent()
  mkdirSync(parent, { recursive: true })
  const directory = mkdtempSync(path.join(parent, 'strictkv-bench-'))
  const remove = (): void => rmSync(directory, { recursive: true, force: true })
  process.once('SIGINT', () => {
    remove()
    process.exit(130)
  })
  try {
    if (statfsSync(directory).type === TMPFS_MAGIC)
      throw new Error(`Cannot measure syncs in ${parent}: it is in memory`)
    const { rounds, sampleMs, warmUpMs, rows } = options
    const cases = selectCases(options.only)
    return await conduct({ cases, rounds, sampleMs, warmUpMs, rows, directory, onProgress: note })
  } finally {
    remove()
    note('')
  }
}

function print(run: Run, markdown: boolean): void {
  for (const line of circumstancesOf(run)) say(markdown ? `- ${line}` : line)
  for (const table of tablesOf(run)) say(`\n${markdown ? tableToMarkdown(table) : tableToText(table)}`)
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2))
  if (options.help) {
    say(USAGE)
    return
  }
  const run =
    options.from === undefined ? await measure(options) : (JSON.parse(readFileSync(options.from, 'utf8')) as Run)
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(run, undefined, 1)}\n`)
  print(run, options.markdown)
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
})
