/** The files of a background thread keep the contract of the door like any others. */
import fs from 'node:fs'
import { createBlockingRuntime } from '../../../src/runtime/node/blocking-runtime'
import { filesContract } from '../../contract/runtime/files-contract'
import { createNodeWorld, createTemporaryDirectory } from '../../contract/runtime/world'
import type { ContractWorld } from '../../contract/runtime/world'

const root = createTemporaryDirectory()
afterAll(() => fs.rmSync(root, { recursive: true, force: true }))

describe('the files of a background thread', () => {
  let current: ContractWorld
  beforeEach(() => {
    const runtime = createBlockingRuntime()
    current = {
      ...createNodeWorld(root, 'none.js'),
      runtime,
      openFull: () => runtime.files.open('/dev/full', 'write'),
      openUnsyncable: () => runtime.files.open('/dev/null', 'write'),
    }
  })
  afterEach(() => current.end())

  filesContract(() => current)
})
