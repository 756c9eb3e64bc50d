// Checks the specifications with TLC: `npm run specs`, `npm run specs -- --full`, `npm run specs -- SSI`.
//
//   --full          the large configurations as well (hours)
//   MODULE | NAME   only the configurations of a module, or one by its name; several may be named
//   --bugs, --holds only seeded bugs, or only what must hold
//   --list          the configurations, as JSON, without running anything
//   --table         the tables of specs/README.md, from the logs
//   --show NAME     the module and the .cfg that TLC is given
//   --workers N     TLC workers where nothing is refuted (auto); --jobs N runs of seeded bugs at a time; --heap 3g; --logs DIR
//   --states DIR    where large configurations keep their checkpoints (beside TLC's jar in the cache)
//   --checkpoint N  minutes between two checkpoints (10)
//   --fresh         large configurations begin anew, whatever checkpoint there is
//   --paths         writes the tests of test/specs/paths anew, from the state graphs of small models; --key prints the hashes they need
//   --total         distinct states over all logs, module by module
//
// A large configuration that is ended (Ctrl-C, a kill, a crash) goes on from its newest checkpoint when it is run again.
//
// Fails if an invariant breaks, if a seeded bug is not refuted, or if its shortest counterexample is not as long as the
// configuration says. Each run's log goes to specs/logs (or DIR). Without Java or Maven: one line that says what is missing.
// Pinned by test/specs.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { configurations } from '../specs/configurations/index.mjs'
import { pathModels } from '../specs/configurations/paths.mjs'
import { createModel } from './specs/model.mjs'
import { pathKey, writePaths } from './specs/paths/write.mjs'
import { longFolder, runModel, verdictOf } from './specs/run.mjs'
import { statesFolder } from './specs/states.mjs'
import { createTables, createTotals } from './specs/table.mjs'
import { MissingToolError, findJar, findJava } from './specs/tools.mjs'

function readArguments() {
  return parseArgs({
    allowPositionals: true,
    options: {
      full: { type: 'boolean', default: false },
      bugs: { type: 'boolean', default: false },
      holds: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      table: { type: 'boolean', default: false },
      show: { type: 'string' },
      workers: { type: 'string', default: 'auto' },
      jobs: { type: 'string', default: String(Math.min(4, availableParallelism())) },
      logs: { type: 'string', default: path.join(import.meta.dirname, '..', 'specs', 'logs') },
      heap: { type: 'string', default: '3g' },
      states: { type: 'string' },
      checkpoint: { type: 'string', default: '10' },
      fresh: { type: 'boolean', default: false },
      total: { type: 'boolean', default: false },
      paths: { type: 'boolean', default: false },
      key: { type: 'boolean', default: false },
    },
  })
}

function choose({ values, positionals }) {
  for (const wanted of positionals) {
    if (!configurations.some(({ module, name }) => [module, name].includes(wanted))) {
      throw new MissingToolError(`no module or configuration is called ${wanted}: --list shows them`)
    }
  }
  return configurations.filter(({ module, name, size, refutes }) => {
    if (positionals.includes(name)) return true
    if (positionals.length > 0 && !positionals.includes(module)) return false
    if (values.bugs && refutes === undefined) return false
    if (values.holds && refutes !== undefined) return false
    return size !== 'full' || values.full
  })
}

/** Runs one configuration, keeps its log and prints its line; true if all is as it should be. */
async function check(configuration, tools) {
  if (tools.fresh) rmSync(longFolder(configuration, tools), { recursive: true, force: true })
  const outcome = await runModel(configuration, tools)
  // A run that was ended says nothing yet: the log of one that was whole is kept.
  const isCut = configuration.size === 'full' && !outcome.finished && outcome.violated === undefined
  if (!isCut) writeFileSync(path.join(tools.logs, `${configuration.name}.txt`), outcome.log)
  const failure = verdictOf(configuration, outcome)
  const counts = `${outcome.generated} generated, ${outcome.distinct} distinct`
  const found =
    outcome.violated === undefined
      ? `${counts}, depth ${outcome.depth}`
      : `${outcome.violated} refuted in ${outcome.length} states (${counts})`
  const seconds = `${outcome.seconds.toFixed(1)} s`
  process.stdout.write(`${failure === undefined ? 'ok    ' : 'FAILED'} ${configuration.name}: ${found}, ${seconds}\n`)
  if (failure === undefined) return true
  process.stdout.write(`       ${failure}; see ${path.relative('.', path.join(tools.logs, configuration.name))}.txt\n`)
  if (outcome.violated === undefined && !outcome.finished) process.stdout.write(`${outcome.log.slice(-3000)}\n`)
  for (const step of outcome.schedule) process.stdout.write(`       ${step}\n`)
  return false
}

/** Writes the files of all path models, or of those that are named. */
async function makePaths({ values, positionals }) {
  const tools = { java: findJava(), jar: findJar(), heap: values.heap }
  const folder = path.join(import.meta.dirname, '..', 'test', 'specs', 'paths')
  for (const model of pathModels) {
    if (positionals.length > 0 && !positionals.includes(model.name)) continue
    const { states, edges, paths, steps, waits, bytes } = await writePaths(model, tools, folder)
    const counts = `${states} states, ${edges} edges: ${paths} paths (${waits} end waiting), ${steps} steps, ${bytes} bytes`
    process.stdout.write(`${model.name}: ${counts}\n`)
  }
}

async function main() {
  const given = readArguments()
  const { values } = given
  if (values.list) {
    process.stdout.write(`${JSON.stringify(configurations, undefined, 2)}\n`)
    return
  }
  if (values.table) {
    process.stdout.write(createTables(configurations, values.logs))
    return
  }
  if (values.total) {
    process.stdout.write(createTotals(configurations, values.logs))
    return
  }
  if (values.show !== undefined) {
    const shown = configurations.find(({ name }) => name === values.show)
    if (shown === undefined) throw new MissingToolError(`no configuration is called ${values.show}: --list shows them`)
    const { module, config } = createModel(shown)
    process.stdout.write(`${module}\n${config}`)
    return
  }
  if (values.key) {
    process.stdout.write(`${JSON.stringify(Object.fromEntries(pathModels.map((one) => [one.name, pathKey(one)])))}\n`)
    return
  }
  if (values.paths) {
    await makePaths(given)
    return
  }
  const chosen = choose(given)
  const { workers, heap, logs, fresh, checkpoint } = values
  const tools = {
    java: findJava(),
    jar: findJar(),
    workers,
    heap,
    logs,
    fresh,
    checkpoint,
    states: statesFolder(values.states),
  }
  mkdirSync(logs, { recursive: true })
  let passed = 0
  for (const configuration of chosen.filter(({ refutes }) => refutes === undefined)) {
    if (await check(configuration, tools)) passed++
  }
  const bugs = chosen.filter(({ refutes }) => refutes !== undefined)
  const lane = async () => {
    for (let next = bugs.shift(); next !== undefined; next = bugs.shift()) {
      if (await check(next, tools)) passed++
    }
  }
  await Promise.all(Array.from({ length: Number(values.jobs) }, lane))
  process.stdout.write(`specs: ${passed} passed, ${chosen.length - passed} failed\n`)
  if (passed < chosen.length) process.exitCode = 1
}

try {
  await main()
} catch (error) {
  if (!(error instanceof MissingToolError)) throw error
  process.stderr.write(`specs: ${error.message}\n`)
  process.exitCode = 2
}
