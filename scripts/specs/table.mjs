// Prints the tables of specs/README.md from the logs in specs/logs: `npm run specs -- --table`.
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { readOutput } from './run.mjs'

/** Markdown: for each module what holds, then its seeded bugs; a configuration that has no log yet shows dashes. */
export function createTables(configurations, logs) {
  const modules = [...new Set(configurations.map(({ module }) => module))]
  return modules.map((module) => createTable(module, configurations, logs)).join('\n')
}

function createTable(module, configurations, logs) {
  const own = configurations.filter((one) => one.module === module)
  const held = own.filter(({ refutes }) => refutes === undefined)
  const bugs = own.filter(({ refutes }) => refutes !== undefined)
  return [
    `### ${module}`,
    '',
    '| configuration | what it tries | states generated | distinct | depth | time |',
    '|---|---|---:|---:|---:|---:|',
    ...held.map((one) => heldRow(one, path.join(logs, `${one.name}.txt`))),
    '',
    '| seeded bug | what is wrong | refuted | states of the shortest counterexample |',
    '|---|---|---|---:|',
    ...bugs.map(({ name, about, refutes }) => {
      return `| ${name} | ${about} | ${refutes.invariant ?? refutes.property} | ${refutes.length} |`
    }),
    '',
  ].join('\n')
}

function heldRow({ name, about, size }, file) {
  const title = size === 'full' ? `${name} (full)` : name
  if (!existsSync(file)) return `| ${title} | ${about} | - | - | - | - |`
  const log = readFileSync(file, 'utf8')
  const { generated, distinct, depth, finished } = readOutput(log)
  if (!finished) return `| ${title} | ${about} | - | - | - | - |`
  const seconds = /^Time: (.*)$/m.exec(log)?.[1] ?? '-'
  const count = (number) => number.toLocaleString('en-US')
  return `| ${title} | ${about} | ${count(generated)} | ${count(distinct)} | ${depth} | ${seconds} |`
}
