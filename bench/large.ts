/**
 * `npm run bench:large`: ten million rows in random order: rate, amplification, space, stalls of others, reads, opening, memory.
 *
 * What is measured is support/large-cases.ts, what has to be reached support/long-report.ts. Exit code 0 says that everything
 * was measured, not that every target was met.
 */
import path from 'node:path'
import { mkdirSync } from 'node:fs'
import type { Sample } from './support/figures'
import { LARGE_USAGE, parseLargeOptions } from './support/long-options'
import { largeTablesOf } from './support/long-report'
import { runLong } from './support/long-run'
import { MeasuringChild } from './support/measuring-child'
import { note, runTool, say } from './support/terminal'

/** Starts a process over the database, has it measure, and ends it: cleanly, or not. */
async function inProcess<T>(
  start: { readonly process: string; readonly directory: string; readonly rows: number },
  fn: (child: MeasuringChild) => Promise<T>,
): Promise<T> {
  const child = await MeasuringChild.start('long-process', start)
  try {
    return await fn(child)
  } finally {
    await child.end()
  }
}

async function measure(place: string, rows: number): Promise<Record<string, Sample>> {
  const directory = path.join(place, 'database')
  mkdirSync(directory)
  const samples: Record<string, Sample> = {}
  await inProcess({ process: 'large', directory, rows }, async (child) => {
    for (const name of ['load', 'reads', 'compact']) {
      note(`${name}, ${rows} rows`)
      samples[name] = await child.measure(name, 0)
    }
  })
  const opening = { process: 'opening', directory, rows }
  note('opening after close')
  samples['clean'] = await inProcess(opening, (child) => child.measure('open', 0))
  note('filling the log, kill -9')
  const filled = await inProcess({ process: 'crash', directory, rows }, async (child) => {
    const sample = await child.measure('fill', 0)
    await child.kill()
    return sample
  })
  note('opening after kill -9')
  const crashed = await inProcess(opening, (child) => child.measure('open', 0))
  const [{ logMiB = 0, logRows }, { openMs = 0 }] = [filled, crashed]
  if (crashed['logRows'] !== logRows)
    throw new Error(
      `${String(logRows)} rows were acknowledged before the crash, ${String(crashed['logRows'])} are there`,
    )
  samples['crashed'] = { ...crashed, logMiB, msPer100MiB: (openMs * 100) / logMiB }
  return samples
}

async function main(): Promise<void> {
  const options = parseLargeOptions(process.argv.slice(2))
  if (options.help) say(LARGE_USAGE)
  else await runLong(options, (directory) => measure(directory, options.rows), largeTablesOf)
}

runTool(main)
