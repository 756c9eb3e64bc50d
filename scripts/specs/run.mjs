// Runs TLC on one configuration and reads its answer.
//
// The outcome says what was found, never whether that is as it should be: verdictOf() compares it with what the
// configuration expects. Seeded bugs run with one worker, since only then breadth-first search promises the shortest
// counterexample.
import { spawn } from 'node:child_process'
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createModel } from './model.mjs'
import { readStates, tellSchedule } from './trace.mjs'

const specs = path.join(import.meta.dirname, '..', '..', 'specs')

/** Lines of TLC's output that say nothing, or name places of this machine. */
const NOISE = /^(Parsing file|Semantic processing|Running breadth-first|Starting\.\.\.|Warning: Please run the Java VM)/

/** Runs TLC; resolves to what it found and the log to keep. */
export async function runModel(configuration, { java, jar, workers, heap }) {
  const folder = mkdtempSync(path.join(tmpdir(), 'strictkv-specs-'))
  try {
    const { name, module, config } = createModel(configuration)
    for (const file of readdirSync(specs).filter((file) => file.endsWith('.tla'))) {
      copyFileSync(path.join(specs, file), path.join(folder, file))
    }
    writeFileSync(path.join(folder, `${name}.tla`), module)
    writeFileSync(path.join(folder, `${name}.cfg`), config)
    const args = [
      `-Xmx${heap}`,
      // A seeded bug is found in a second: starting up costs more than checking.
      ...(configuration.refutes === undefined
        ? ['-XX:+UseParallelGC']
        : ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']),
      `-Djava.io.tmpdir=${folder}`,
      ...['-cp', jar, 'tlc2.TLC', '-deadlock', '-cleanup'],
      ...['-workers', configuration.refutes === undefined ? workers : '1'],
      ...['-metadir', path.join(folder, 'states'), '-config', `${name}.cfg`, `${name}.tla`],
    ]
    const started = process.hrtime.bigint()
    const { code, output } = await collect(java, args, folder)
    const seconds = Number((process.hrtime.bigint() - started) / 1_000_000n) / 1000
    const schedule = tellSchedule(readStates(output), configuration.told)
    return {
      ...readOutput(output),
      schedule,
      code,
      seconds,
      log: logOf({ configuration, module, config, output, schedule, seconds }),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function collect(command, args, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8')
      stream.on('data', (text) => (output += text))
    }
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, output }))
  })
}

/** What TLC's output says: counts, and what was violated by a counterexample of how many states. */
export function readOutput(output) {
  const counts = [...output.matchAll(/^(\d+) states generated, (\d+) distinct states found, (\d+) states left/gm)].at(
    -1,
  )
  const depth = /depth of the complete state graph search is (\d+)/.exec(output)
  const violated =
    /Invariant (\w+) is violated/.exec(output)?.[1] ??
    /Action property (\w+) is violated/.exec(output)?.[1] ??
    (/Temporal properties were violated/.test(output) ? 'a temporal property' : undefined)
  const states = [...output.matchAll(/^State (\d+): /gm)].map((match) => Number(match[1]))
  return {
    finished: /Model checking completed. No error has been found/.test(output),
    violated,
    length: violated === undefined ? undefined : Math.max(0, ...states),
    generated: Number(counts?.[1] ?? 0),
    distinct: Number(counts?.[2] ?? 0),
    depth: depth === null ? undefined : Number(depth[1]),
  }
}

/** Whether a run went as its configuration says, and if not, why. */
export function verdictOf({ refutes }, outcome) {
  if (refutes === undefined) {
    if (outcome.finished && outcome.violated === undefined) return undefined
    return outcome.violated === undefined
      ? `TLC did not finish (exit code ${outcome.code})`
      : `${outcome.violated} is violated`
  }
  const { invariant, property, length } = refutes
  if (outcome.violated === undefined) {
    return outcome.finished ? 'the seeded bug was NOT refuted' : `TLC did not finish (exit code ${outcome.code})`
  }
  if (invariant !== undefined && outcome.violated !== invariant)
    return `${outcome.violated} is violated, not ${invariant}`
  if (property !== undefined && ![property, 'a temporal property'].includes(outcome.violated)) {
    return `${outcome.violated} is violated, not ${property}`
  }
  if (outcome.length !== length) return `the counterexample has ${outcome.length} states, not ${length}`
  return undefined
}

function logOf({ configuration, module, config, output, schedule, seconds }) {
  const lines = output.split('\n').filter((line) => !NOISE.test(line) && !line.startsWith('Progress('))
  // The states of a counterexample are told as a schedule: whole, they are hundreds of lines.
  const counterexample = lines.findIndex((line) => line.startsWith('State 1: '))
  const after = lines.findLastIndex((line) => /^\d+ states generated/.test(line))
  const kept = counterexample < 0 ? lines : [...lines.slice(0, counterexample), ...schedule, '', ...lines.slice(after)]
  const undated = kept.map((line) =>
    line.replace(/(?: at| in)? ?\(?(?:\d+s at \()?\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\)?/, ''),
  )
  const head = `${configuration.name}: ${configuration.about}`
  return `${[head, module, config, undated.join('\n').trim(), `Time: ${seconds.toFixed(1)} s`].join('\n\n')}\n`
}
