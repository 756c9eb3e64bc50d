// Makes the tests of test/specs/paths: for each model the paths over its state graph, with the model's answer to every step.
//
// A file is deflated JSON and bytes: [length of the JSON, 4 bytes, little endian][JSON][paths]. The JSON names the model, the hash of
// its text, the counts, and every different step with its answer. A path is [steps shared with the path before, 1 byte][further
// steps, 1 byte][their numbers, 2 bytes each, little endian]. test/specs/path-file.ts reads it.
import { mkdirSync, writeFileSync } from 'node:fs'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { deflateRawSync } from 'node:zlib'
import { keyOf } from '../states.mjs'
import { writeModel } from '../run.mjs'
import { answered, waitsIn } from './answers.mjs'
import { coverEdges, shortestWays } from './cover.mjs'
import { dumpGraph, named } from './dump.mjs'
import { instancesOf } from './steps.mjs'

/** The hash of all that a model's paths depend on. */
export function pathKey(configuration) {
  const folder = mkdtempSync(path.join(tmpdir(), 'strictkv-paths-'))
  try {
    return keyOf(writeModel(named(configuration), folder).texts)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Writes the file of a model into `folder`; resolves to its counts. */
export async function writePaths(configuration, tools, folder) {
  const graph = await dumpGraph(configuration, tools)
  const alphabet = new Alphabet()
  const instances = instancesOf(configuration)
  const numberOf = graph.edges.map(([from, to, instance]) =>
    alphabet.numberOf(answered(configuration, instances[instance].step, graph.states[from], graph.states[to])),
  )
  const walked = coverEdges(graph).map((edges) => edges.map((edge) => numberOf[edge]))
  const waits = waitingPaths(configuration, graph, numberOf, alphabet)
  const paths = [...walked, ...waits].sort(compareSteps)
  const counts = {
    states: graph.states.length,
    edges: graph.edges.length,
    paths: paths.length,
    waits: waits.length,
    steps: paths.reduce((sum, { length }) => sum + length, 0),
  }
  const { name, module, given } = configuration
  const head = { name, module, key: pathKey(configuration), given, ...counts, alphabet: alphabet.steps }
  mkdirSync(folder, { recursive: true })
  const bytes = deflateRawSync(encode(head, paths), { level: 9 })
  writeFileSync(path.join(folder, `${name}.paths`), bytes)
  return { ...counts, bytes: bytes.length }
}

/** Every different step with its answer, numbered. */
class Alphabet {
  steps = []
  #numbers = new Map()

  numberOf(step) {
    const text = JSON.stringify(step)
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    this.#numbers.set(text, this.steps.length)
    return this.steps.push(step) - 1
  }
}

/** For each lone read that must wait in a state: the shortest way there, and the read. */
function waitingPaths(configuration, { states, edges }, numberOf, alphabet) {
  const instances = instancesOf(configuration)
  const outOf = states.map(() => [])
  edges.forEach(([from], edge) => outOf[from].push(edge))
  const wayTo = shortestWays(states.length, edges, outOf)
  return states.flatMap((state, index) => {
    const possible = outOf[index].map((edge) => instances[edges[edge][2]].step)
    return waitsIn(configuration, state, possible).map((step) => [
      ...wayTo(index).map((edge) => numberOf[edge]),
      alphabet.numberOf(step),
    ])
  })
}

function compareSteps(a, b) {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i] - b[i]
  return a.length - b.length
}

function encode(head, paths) {
  const json = Buffer.from(JSON.stringify(head))
  const bytes = []
  let before = []
  for (const steps of paths) {
    let shared = 0
    while (shared < Math.min(before.length, steps.length) && before[shared] === steps[shared]) shared++
    bytes.push(shared, steps.length - shared)
    for (const step of steps.slice(shared)) bytes.push(step & 0xff, step >> 8)
    before = steps
  }
  const length = Buffer.alloc(4)
  length.writeUInt32LE(json.length)
  return Buffer.concat([length, json, Buffer.from(bytes)])
}
