// Lets TLC write down the state graph of a model, and reads it: states, and edges with the step that each is.
//
// TLC counts the states of the model's own `Next` in a first run: the named instances must reach as many, or one was forgotten.
import { spawnSync } from 'node:child_process'
import { createReadStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { readOutput, writeModel } from '../run.mjs'
import { parseState } from '../trace.mjs'
import { definitionsOf, instancesOf } from './steps.mjs'

/** The variables that answers are read from; the rest, a whole bookkeeping for each state, would fill the memory. */
const WANTED = ['history', 'transaction', 'answer']

/** The model with its steps named. */
export function named(configuration) {
  return { ...configuration, definitions: definitionsOf(instancesOf(configuration)), specification: 'StepSpec' }
}

/** The state graph: `states` (parsed variables by index, the first is the initial one), `edges` [from, to, instance]. */
export async function dumpGraph(configuration, tools) {
  const folder = mkdtempSync(path.join(tmpdir(), 'strictkv-paths-'))
  try {
    const plain = runTlc(configuration, tools, folder, [])
    const dumped = runTlc(named(configuration), tools, folder, [
      '-dump',
      'dot,actionlabels',
      path.join(folder, 'graph'),
    ])
    if (plain.distinct !== dumped.distinct || plain.generated !== dumped.generated) {
      throw new Error(
        `${configuration.name}: ${plain.generated} states (${plain.distinct} distinct), yet the named steps give ${dumped.generated} (${dumped.distinct})`,
      )
    }
    const graph = await readDot(path.join(folder, 'graph.dot'))
    if (graph.states.length !== plain.distinct) throw new Error(`${configuration.name}: the dump lacks states`)
    return graph
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function runTlc(configuration, { java, jar, heap }, folder, more) {
  const { name } = writeModel(configuration, folder)
  const args = [
    `-Xmx${heap}`,
    '-XX:+UseParallelGC',
    `-Djava.io.tmpdir=${folder}`,
    '-cp',
    jar,
    'tlc2.TLC',
    '-deadlock',
    '-cleanup',
  ]
  const { stdout, stderr } = spawnSync(
    java,
    [
      ...args,
      '-workers',
      '1',
      '-metadir',
      path.join(folder, 'states'),
      ...more,
      '-config',
      `${name}.cfg`,
      `${name}.tla`,
    ],
    { cwd: folder, encoding: 'utf8', maxBuffer: 2 ** 28 },
  )
  const outcome = readOutput(stdout)
  if (!outcome.finished) throw new Error(`TLC did not finish ${configuration.name}: ${stdout.slice(-2000)}${stderr}`)
  return outcome
}

/** Reads TLC's dot file. States are numbered in the order in which they are found breadth first along the steps by number. */
async function readDot(file) {
  const stateById = new Map()
  const edgesById = new Map()
  let initial
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Infinity })
  for await (const line of lines) {
    const edge = /^(-?\d+) -> (-?\d+) \[label="Step(\d+)"/.exec(line)
    if (edge !== null) {
      const [, from, to, step] = edge
      if (!edgesById.has(from)) edgesById.set(from, new Map())
      edgesById.get(from).set(`${step} ${to}`, [Number(step), to])
      continue
    }
    const node = /^(-?\d+) \[label="((?:[^"\\]|\\.)*)"/.exec(line)
    if (node === null) continue
    if (line.includes('style = filled')) initial = node[1]
    const label = node[2].replaceAll('\\n', '\n').replaceAll('\\"', '"').replaceAll('\\\\', '\\')
    stateById.set(node[1], parseState(label, WANTED))
  }
  return number(initial, stateById, edgesById)
}

function number(initial, stateById, edgesById) {
  const indexById = new Map([[initial, 0]])
  const ids = [initial]
  const edges = []
  for (let at = 0; at < ids.length; at++) {
    const out = [...(edgesById.get(ids[at])?.values() ?? [])].sort(([a, x], [b, y]) => a - b || (x < y ? -1 : 1))
    for (const [step, to] of out) {
      if (!indexById.has(to)) {
        indexById.set(to, ids.length)
        ids.push(to)
      }
      edges.push([at, indexById.get(to), step])
    }
  }
  return { states: ids.map((id) => stateById.get(id)), edges }
}
