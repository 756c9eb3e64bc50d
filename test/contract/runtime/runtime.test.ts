/** Both implementations of the door pass one suite. */
import fs from 'node:fs'
import { filesContract } from './files-contract'
import { ioThreadContract } from './io-thread-contract'
import { lockContract } from './lock-contract'
import { schedulerContract } from './scheduler-contract'
import { compileEntry, createMemoryWorld, createNodeWorld, createTemporaryDirectory } from './world'
import type { ContractWorld } from './world'

const root = createTemporaryDirectory()
const workerFile = compileEntry('src/worker.ts', root)
afterAll(() => fs.rmSync(root, { recursive: true, force: true }))

const implementations: [string, () => ContractWorld | Promise<ContractWorld>][] = [
  ['node', () => createNodeWorld(root, workerFile)],
  ['memory, seed 1', () => createMemoryWorld(1)],
  ['memory, seed 2', () => createMemoryWorld(2)],
]

describe.each(implementations)('the runtime door: %s', (_name, create) => {
  let current: ContractWorld
  beforeEach(async () => {
    current = await create()
  })
  afterEach(() => current.end())
  const world = (): ContractWorld => current

  describe('turns', () => schedulerContract(world))
  describe('files', () => filesContract(world))
  describe('lock', () => lockContract(world))
  describe.each(['thread', 'inline'] as const)('I/O thread: %s', (mode) => ioThreadContract(mode, world))
})
