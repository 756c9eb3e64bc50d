/**
 * The real engine along paths over the state graphs of small models of SSI.tla and MVCC.tla: every edge, every answer compared.
 *
 * The files say which text of the module they were made from; another text fails here until they are made anew
 * (`npm run specs -- --paths`). On the in-memory engine every path runs; on the LSM engine, flushed and merged all the time, a sample.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { MvccPathDriver } from './mvcc-path-driver'
import type { PathFile, PathStep } from './path-file'
import { describePath, readPathFile } from './path-file'
import type { PathSubject } from './path-subject'
import { createLsmPathSubject, createMemoryPathSubject } from './path-subject'
import { SsiPathDriver } from './ssi-path-driver'

const repository = path.join(__dirname, '..', '..')
const names = readdirSync(path.join(__dirname, 'paths')).map((file) => path.basename(file, '.paths'))

/** Paths of each model that run on the LSM engine. */
const LSM_SAMPLE = 150

interface Driver {
  run(steps: readonly PathStep[]): Promise<void>
}

function createDriver(file: PathFile, subject: PathSubject): Driver {
  return file.module === 'SSI' ? new SsiPathDriver(subject, file.roles) : new MvccPathDriver(subject, file.keys)
}

/** Runs each `stride`th path; gives how many, and how many steps. */
async function drive(file: PathFile, subject: PathSubject, stride = 1): Promise<{ paths: number; steps: number }> {
  const driver = createDriver(file, subject)
  const ran = { paths: 0, steps: 0 }
  let index = 0
  for (const steps of file.each()) {
    if (index++ % stride !== 0) continue
    try {
      await driver.run(steps)
    } catch (error) {
      const what = error instanceof Error ? error.message : 'failed'
      throw new Error(`${file.name}, path ${String(index)}: ${what}\n${describePath(steps)}`, { cause: error })
    }
    ran.paths++
    ran.steps += steps.length
  }
  await subject.close()
  return ran
}

/** The first path of SSI.tla with such a step. */
function findPath(isMeant: (step: PathStep) => boolean): [PathFile, readonly PathStep[]] {
  for (const file of names.map(readPathFile)) {
    if (file.module !== 'SSI') continue
    for (const steps of file.each()) if (steps.some(isMeant)) return [file, steps]
  }
  throw new Error('no path has such a step')
}

describe('paths over the models', () => {
  let traceLimit = 0
  beforeAll(() => {
    // Refusals are part of the paths; their stacks are not looked at.
    traceLimit = Error.stackTraceLimit
    Error.stackTraceLimit = 4
  })
  afterAll(() => {
    Error.stackTraceLimit = traceLimit
  })

  test('belong to the text of their modules', () => {
    const { stdout } = spawnSync(process.execPath, ['scripts/specs.mjs', '--key'], {
      cwd: repository,
      encoding: 'utf8',
    })
    const stored = Object.fromEntries(names.map((name) => [name, readPathFile(name).key]))
    expect(stored).toEqual(JSON.parse(stdout))
  })

  test('are at least twenty thousand', () => {
    expect(names.reduce((sum, name) => sum + readPathFile(name).paths, 0)).toBeGreaterThanOrEqual(20_000)
  })

  const refused = (step: PathStep): boolean => step.outcome === 'refused'
  test.each<[string, (step: PathStep) => boolean, (step: PathStep) => PathStep]>([
    ['an abort', (step) => step.do === 'commit' && refused(step), (step) => ({ ...step, outcome: 2 })],
    ['a commit', (step) => step.outcome === 2, (step) => ({ ...step, outcome: 'refused' })],
    ['a sequence', (step) => step.outcome === 2, (step) => ({ ...step, outcome: 3 })],
    ['a refused read', (step) => step.do === 'read' && refused(step), ({ do: verb, by, keys }) => ({ do: verb, by: by!, keys: keys!, shown: keys!.map(() => 0) })], // prettier-ignore
    ['a value', (step) => step.shown?.join() === '1', (step) => ({ ...step, shown: [0] })],
    ['a snapshot', (step) => step.snapshot === 1, (step) => ({ ...step, snapshot: 0 })],
    ['whom a commit aborts', (step) => step.others !== undefined, ({ others: _, ...step }) => step],
  ])('%s that is otherwise than the model says is noticed', async (_what, isMeant, alter) => {
    const [file, steps] = findPath(isMeant)
    const place = steps.findIndex(isMeant)
    const altered = steps.map((step, index) => (index === place ? alter(step) : step))
    const subject = createMemoryPathSubject()
    await expect(createDriver(file, subject).run(altered)).rejects.toThrow()
    await subject.close()
  })

  test.each(names)('%s: the in-memory engine answers each step of every path as the model', async (name) => {
    const file = readPathFile(name)
    const { paths, steps } = await drive(file, createMemoryPathSubject())
    expect({ paths, steps }).toEqual({ paths: file.paths, steps: file.steps })
  })

  test.each(names)('%s: so does the LSM engine, flushed and merged all the time, in a sample', async (name) => {
    const file = readPathFile(name)
    const stride = Math.max(1, Math.floor(file.paths / LSM_SAMPLE))
    const { paths } = await drive(file, await createLsmPathSubject(), stride)
    expect(paths).toBeGreaterThanOrEqual(Math.min(file.paths, LSM_SAMPLE))
  })
})
