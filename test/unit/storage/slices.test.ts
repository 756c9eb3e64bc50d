import { createLimits } from '../../../src/base/limits'
import { Slices } from '../../../src/storage/slices'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'

describe('slices', () => {
  test('end after mergeSliceBytes, and the event loop turns between two', async () => {
    const runtime = createMemoryRuntime({ seed: 1 })
    const order: string[] = []
    const slices = new Slices(runtime, createLimits({ mergeSliceBytes: 1024 }), () => void order.push('between'))
    expect(slices.count(1000)).toBeUndefined()
    const rest = slices.count(24)
    expect(rest).toBeDefined()
    void runtime.scheduler.nextTurn().then(() => order.push('turn'))
    await rest
    expect(order).toContain('between')
    expect(slices.count(1000)).toBeUndefined()
  })

  test('end after about a millisecond of steps without bytes', async () => {
    const runtime = createMemoryRuntime({ seed: 1 })
    const slices = new Slices(runtime, createLimits(), () => undefined)
    let steps = 0
    for (let rest = slices.count(0); rest === undefined; rest = slices.count(0)) {
      steps++
      if (steps % 64 === 0) runtime.advance(0.3)
    }
    expect(steps).toBeGreaterThan(64)
    expect(steps).toBeLessThan(1000)
  })

  test('what is thrown between two slices ends the job', async () => {
    const runtime = createMemoryRuntime({ seed: 1 })
    const slices = new Slices(runtime, createLimits({ mergeSliceBytes: 1024 }), () => {
      throw new Error('not wanted')
    })
    await expect(slices.count(1024)).rejects.toThrow('not wanted')
  })
})
