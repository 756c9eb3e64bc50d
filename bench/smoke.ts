/**
 * `npm run bench:smoke`: the rates of this machine, each beside its raw limit from the same run, against their targets.
 *
 * The method is docs/PERFORMANCE.md; what is measured is support/catalogue.ts, what has to be reached support/targets.ts.
 * Exit code 0 says that everything was measured, not that every target was met: rates are no test.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { withBenchDirectory } from './support/bench-directory'
import { selectCases } from './support/catalogue'
import { conduct } from './support/conductor'
import type { Run } from './support/conductor'
import { SMOKE_USAGE, parseOptions } from './support/options'
import type { RoundOptions } from './support/options'
import { circumstancesOf, tablesOf } from './support/report'
import { note, printReport, runTool, say } from './support/terminal'

function measure(options: RoundOptions): Promise<Run> {
  const { rounds, sampleMs, warmUpMs, rows } = options
  const cases = selectCases(options.only)
  return withBenchDirectory(options.directory, (directory) =>
    conduct({ cases, rounds, sampleMs, warmUpMs, rows, directory, onProgress: note }),
  )
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2))
  if (options.help) {
    say(SMOKE_USAGE)
    return
  }
  const run =
    options.from === undefined ? await measure(options) : (JSON.parse(readFileSync(options.from, 'utf8')) as Run)
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(run, undefined, 1)}\n`)
  printReport(circumstancesOf(run), tablesOf(run), options.markdown)
}

runTool(main)
