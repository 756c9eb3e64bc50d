// Runs TLC on one configuration and reads its answer.
//
// The outcome says what was found, never whether that is as it should be: verdictOf() compares it with what the
// configuration expects. Seeded bugs run with one worker, since only then breadth-first search promises the shortest
// counterexample. A large configuration writes checkpoints (states.mjs): ended at any moment, it goes on from the newest when
// it is run again.
import { spawn } from 'node:child_process'
import { appendFileSync, copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createModel } from './model.mjs'
import { LongRun, keyOf } from './states.mjs'
import { readStates, tellSchedule } from './trace.mjs'

const specs = path.join(import.meta.dirname, '..', '..', 'specs')

/** Lines of TLC's output that say nothing, or name places of this machine. */
const NOISE =
  /^(Parsing file|Semantic processing|Running breadth-first|Starting\.\.\.|Starting recovery|Checkpointing|Warning: Please run the Java VM)/

/** Runs TLC; resolves to what it found and the log to keep. */
export async function runModel(configuration, tools) {
  const folder = mkdtempSync(path.join(tmpdir(), 'strictkv-specs-'))
  try {
    const model = writeModel(configuration, folder)
    const long =
      configuration.size === 'full' ? new LongRun(longFolder(configuration, tools), keyOf(model.texts)) : undefined
    const started = process.hrtime.bigint()
    const { code, output } = await collect(tools.java, javaArguments(configuration, tools, folder, model.name, long), {
      cwd: folder,
      onText: (text) => long !== undefined && appendFileSync(long.output, text),
    })
    const pieceSeconds = Number((process.hrtime.bigint() - started) / 1_000_000n) / 1000
    const found = readOutput(output)
    const pieces = endPiece(long, { seconds: pieceSeconds, finished: found.finished, distinct: found.distinct })
    const seconds = pieces.reduce((sum, piece) => sum + piece.seconds, 0)
    const schedule = tellSchedule(readStates(output), configuration.told)
    const log = logOf({ configuration, ...model, output, schedule, seconds, pieces: pieces.length })
    if (found.finished) long?.remove()
    return { ...found, schedule, code, seconds, log }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Where a large configuration keeps its checkpoints. */
export function longFolder({ name }, { states }) {
  return path.join(states, name)
}

/** Puts the module, what it extends, and the .cfg into the folder. */
export function writeModel(configuration, folder) {
  const { name, module, config } = createModel(configuration)
  for (const file of readdirSync(specs).filter((file) => file.endsWith('.tla'))) {
    copyFileSync(path.join(specs, file), path.join(folder, file))
  }
  writeFileSync(path.join(folder, `${name}.tla`), module)
  writeFileSync(path.join(folder, `${name}.cfg`), config)
  const extended = readFileSync(path.join(specs, `${configuration.module}.tla`), 'utf8')
  return { name, module, config, texts: [extended, module, config] }
}

function javaArguments({ refutes }, { jar, workers, heap, checkpoint: minutes }, folder, name, long) {
  const isHeld = refutes === undefined
  const checkpoint = long?.checkpoint
  return [
    `-Xmx${heap}`,
    // A seeded bug is found in a second: starting up costs more than checking.
    ...(isHeld ? ['-XX:+UseParallelGC'] : ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']),
    `-Djava.io.tmpdir=${folder}`,
    ...['-cp', jar, 'tlc2.TLC', '-deadlock'],
    ...['-workers', isHeld ? workers : '1'],
    ...(long === undefined ? ['-cleanup'] : ['-checkpoint', minutes]),
    ...['-metadir', long === undefined ? path.join(folder, 'states') : path.join(long.folder, 'tlc')],
    ...(checkpoint === undefined ? [] : ['-recover', checkpoint]),
    ...['-config', `${name}.cfg`, `${name}.tla`],
  ]
}

/** Runs a command; its text is given to `onText` as it comes. A signal to this process ends the command too. */
function collect(command, args, { cwd, onText }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8')
      stream.on('data', (text) => {
        output += text
        onText(text)
      })
    }
    const end = () => child.kill('SIGTERM')
    for (const signal of ENDING) process.once(signal, end)
    child.on('error', reject)
    child.on('close', (code) => {
      for (const signal of ENDING) process.off(signal, end)
      resolve({ code, output })
    })
  })
}

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP']

function endPiece(long, piece) {
  long?.addPiece(piece)
  return long?.pieces ?? [piece]
}

/** What TLC's output says: counts, and what was violated by a counterexample of how many states. */
export function readOutput(output) {
  const counts = [
    ...output.matchAll(/^(?:Progress.*: )?([\d,]+) states generated(?: \([^)]*\))?, ([\d,]+) distinct states found/gm),
  ].at(-1)
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
    generated: count(counts?.[1]),
    distinct: count(counts?.[2]),
    depth: depth === null ? undefined : Number(depth[1]),
  }
}

function count(text = '0') {
  return Number(text.replaceAll(',', ''))
}

/** Whether a run went as its configuration says, and if not, why. */
export function verdictOf({ refutes, size }, outcome) {
  if (refutes === undefined) {
    if (outcome.finished && outcome.violated === undefined) return undefined
    if (outcome.violated !== undefined) return `${outcome.violated} is violated`
    const hint = size === 'full' ? ': run it again, it goes on from its newest checkpoint' : ''
    return `TLC did not finish (exit code ${outcome.code})${hint}`
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

function logOf({ configuration, module, config, output, schedule, seconds, pieces }) {
  const lines = output.split('\n').filter((line) => !NOISE.test(line) && !line.startsWith('Progress('))
  // The states of a counterexample are told as a schedule: whole, they are hundreds of lines.
  const counterexample = lines.findIndex((line) => line.startsWith('State 1: '))
  const after = lines.findLastIndex((line) => /^\d+ states generated/.test(line))
  const kept = counterexample < 0 ? lines : [...lines.slice(0, counterexample), ...schedule, '', ...lines.slice(after)]
  const undated = kept.map((line) =>
    line.replace(/(?: at| in)? ?\(?(?:\d+s at \()?\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\)?/, ''),
  )
  const head = `${configuration.name}: ${configuration.about}`
  const time = `Time: ${seconds.toFixed(1)} s${pieces > 1 ? `, in ${pieces} pieces` : ''}`
  return `${[head, module, config, undated.join('\n').trim(), time].join('\n\n')}\n`
}
