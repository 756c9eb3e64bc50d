/** The published types in blank TypeScript projects, the libraries themselves checked too. */
import { packPackage, tool, type PackedPackage } from './blank-project'

let packed: PackedPackage
beforeAll(() => {
  packed = packPackage()
})
afterAll(() => packed.remove())

const strict = ['--strict', '--skipLibCheck', 'false', '--lib', 'es2022', '--target', 'es2022']
const tsc = tool('typescript/bin/tsc')

test('a strict project without the types of Node compiles, its libraries checked', () => {
  const project = packed.createProject('typescript')
  const compiled = project.node(tsc, ...strict, '--module', 'nodenext', '--outDir', 'out', 'main.ts')
  expect(compiled).toEqual({ status: 0, output: '' })
  expect(project.node('out/main.js')).toEqual({ status: 0, output: '' })
})

test('exact optional properties and unchecked indexes do not disturb the types', () => {
  const options = ['--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--noEmit', '--module', 'nodenext']
  expect(packed.createProject('typescript').node(tsc, ...strict, ...options, 'main.ts')).toEqual({
    status: 0,
    output: '',
  })
})

test.each([
  ['an ES module under Node', 'module', ['--module', 'nodenext']],
  ['a bundler', 'module', ['--module', 'esnext', '--moduleResolution', 'bundler']],
] as const)('the types resolve for %s', (_what, type, options) => {
  const project = packed.createProject('typescript', type)
  expect(project.node(tsc, ...strict, ...options, '--noEmit', 'main.ts')).toEqual({ status: 0, output: '' })
})

test('with the types of Node, what is read is a Buffer', () => {
  const types = ['--typeRoots', tool('@types'), '--types', 'node', '--module', 'nodenext', '--noEmit']
  const files = ['main.ts', 'buffer.ts']
  expect(packed.createProject('typescript').node(tsc, ...strict, ...types, ...files)).toEqual({ status: 0, output: '' })
})
