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

/** Markdown: what the logs say that was examined, module by module; logs of runs that did not end count nothing. */
export function createTotals(configurations, logs) {
  const rows = [...new Set(configurations.map(({ module }) => module))].map((module) => {
    const own = configurations.filter((one) => one.module === module && one.refutes === undefined)
    const runs = own.map(({ name }) => outcomeOf(path.join(logs, `${name}.txt`))).filter((run) => run !== undefined)
    return { module, runs: runs.length, distinct: runs.reduce((sum, run) => sum + run.distinct, 0) }
  })
  const sum = (of) => rows.reduce((total, row) => total + of(row), 0)
  const line = (...cells) => `| ${cells.map((cell) => (typeof cell === 'number' ? written(cell) : cell)).join(' | ')} |`
  return [
    line('module', 'configurations', 'distinct states'),
    '|---|---:|---:|',
    ...rows.map(({ module, runs, distinct }) => line(module, runs, distinct)),
    line('all', sum(({ runs }) => runs), sum(({ distinct }) => distinct)), // prettier-ignore
    '',
  ].join('\n')
}

function outcomeOf(file) {
  if (!existsSync(file)) return undefined
  const log = readFileSync(file, 'utf8')
  const outcome = readOutput(log)
  return outcome.finished ? { ...outcome, time: /^Time: (.*)$/m.exec(log)?.[1] ?? '-' } : undefined
}

function written(number) {
  return number.toLocaleString('en-US')
}

function heldRow({ name, about, size }, file) {
  const title = size === 'full' ? `${name} (full)` : name
  const outcome = outcomeOf(file)
  if (outcome === undefined) return `| ${title} | ${about} | - | - | - | - |`
  const { generated, distinct, depth, time } = outcome
  return `| ${title} | ${about} | ${written(generated)} | ${written(distinct)} | ${depth} | ${time} |`
}
