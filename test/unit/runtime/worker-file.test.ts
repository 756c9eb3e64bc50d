/** Where the compiled thread entry is looked for. */
import fs from 'node:fs'
import path from 'node:path'
import { findWorkerFile } from '../../../src/runtime/node/worker-file'
import { createTemporaryDirectory, packageRoot } from '../../contract/runtime/world'

const root = createTemporaryDirectory()
afterAll(() => fs.rmSync(root, { recursive: true, force: true }))

/** A package of that name with a folder in it; returns both. */
function createPackage(name: string, manifest: string): { home: string; folder: string; worker: string } {
  const home = path.join(root, name)
  const folder = path.join(home, 'src', 'deep', 'down')
  fs.mkdirSync(folder, { recursive: true })
  fs.mkdirSync(path.join(home, 'dist'))
  fs.writeFileSync(path.join(home, 'package.json'), manifest)
  return { home, folder, worker: path.join(home, 'dist', 'worker.js') }
}

test('it is dist/worker.js under our package.json, seen from the sources and from the build', () => {
  const { home, folder, worker } = createPackage('ours', '{ "name": "strictkv" }')
  expect(findWorkerFile(folder)).toBeUndefined()
  fs.writeFileSync(worker, '')
  expect(findWorkerFile(folder)).toBe(worker)
  expect(findWorkerFile(path.join(home, 'dist'))).toBe(worker)
  expect(findWorkerFile(home)).toBe(worker)
})

test('the same file of another package is not taken for ours', () => {
  const { folder, worker } = createPackage('foreign', '{ "name": "an-application" }')
  fs.writeFileSync(worker, '')
  expect(findWorkerFile(folder)).toBeUndefined()
})

test('a broken package.json on the way is passed by', () => {
  const { home, worker } = createPackage('outer', '{ "name": "strictkv" }')
  fs.writeFileSync(worker, '')
  fs.writeFileSync(path.join(home, 'src', 'package.json'), '{ "name": ')
  fs.writeFileSync(path.join(home, 'src', 'deep', 'package.json'), 'null')
  expect(findWorkerFile(path.join(home, 'src', 'deep', 'down'))).toBe(worker)
})

test('from this repository it is the one that the build makes', () => {
  const built = path.join(packageRoot, 'dist', 'worker.js')
  expect(findWorkerFile()).toBe(fs.existsSync(built) ? built : undefined)
})
