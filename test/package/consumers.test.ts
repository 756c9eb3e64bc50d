/** The packed package in blank projects of each kind of module. */
import { packPackage, tool, type PackedPackage } from './blank-project'

let packed: PackedPackage
beforeAll(() => {
  packed = packPackage()
})
afterAll(() => packed.remove())

test('a CommonJS project commits and reads back', () => {
  const { status, output } = packed.createProject('commonjs').node('main.js')
  expect(output).toContain('committed and read back')
  expect(status).toBe(0)
})

test('error classes keep their names in the bundle', () => {
  const { output } = packed.createProject('commonjs').node('names.js')
  const { wrong, errors } = JSON.parse(output) as { wrong: string[]; errors: string[] }
  expect(wrong).toEqual([])
  expect(errors).toEqual(expect.arrayContaining(['StrictKvError', 'SerializationError', 'CorruptionError']))
})

test('an ES module project has the same classes as require gives', () => {
  const { status, output } = packed.createProject('esm', 'module').node('main.mjs')
  expect(output).toContain('imported, and skew refused')
  expect(status).toBe(0)
})

test('a CommonJS jest needs no configuration', () => {
  const project = packed.createProject('jest')
  const { status, output } = project.node(tool('jest/bin/jest.js'), '--rootDir', project.directory)
  expect(output).toContain('1 passed')
  expect(status).toBe(0)
})

test('the program runs by its name, and shows the demo', () => {
  const project = packed.createProject('commonjs')
  const version = project.npx('strictkv', '--version')
  expect(version.output).toMatch(/^strictkv \d+\.\d+\.\d+ \(node /)
  expect(version.status).toBe(0)
  const demo = project.npx('strictkv', 'demo', 'write-skew')
  expect(demo.output.match(/^strict serializability: +held: /gm)).toHaveLength(4)
  expect(demo.output.match(/^snapshot isolation: +VIOLATED: /gm)).toHaveLength(4)
  expect(demo.status).toBe(0)
})
