/**
 * `npm run bench:open-loop`: commits at a steady 70 % of the capacity, for half an hour, each measured from when it was meant to begin.
 *
 * What is measured is support/open-loop-cases.ts, what has to be reached support/long-report.ts. Exit code 0 says that
 * everything was measured, not that every target was met.
 */
import type { Sample } from './support/figures'
import { OPEN_LOOP_USAGE, parseOpenLoopOptions } from './support/long-options'
import type { OpenLoopRunOptions } from './support/long-options'
import { openLoopTablesOf } from './support/long-report'
import { runLong } from './support/long-run'
import { MeasuringChild } from './support/measuring-child'
import { note, runTool, say } from './support/terminal'

async function measure(directory: string, options: OpenLoopRunOptions): Promise<Record<string, Sample>> {
  const { rows, durability, capacitySeconds, share, minutes } = options
  note(`loading ${rows} rows`)
  const child = await MeasuringChild.start('long-process', { process: `open-loop-${durability}`, directory, rows })
  try {
    note('measuring the capacity')
    const capacity = await child.measure('capacity', capacitySeconds * 1000)
    const perSecond = Math.max(1, Math.round((capacity['perSecond'] ?? 0) * share))
    note(`${perSecond} commits a second for ${minutes} minutes`)
    const openLoop = await child.measure(`at-${perSecond}`, minutes * 60_000)
    return { capacity, 'open-loop': openLoop }
  } finally {
    await child.end()
  }
}

async function main(): Promise<void> {
  const options = parseOpenLoopOptions(process.argv.slice(2))
  if (options.help) say(OPEN_LOOP_USAGE)
  else await runLong(options, (directory) => measure(directory, options), openLoopTablesOf)
}

runTool(main)
