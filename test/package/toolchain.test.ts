/** What the choice of tools promises to every other test: ES module dependencies load, and sources keep their names. */
import PQueue from 'p-queue'
import ts from 'typescript'

test('jest transforms p-queue, and it runs', async () => {
  const queue = new PQueue({ concurrency: 1 })
  const order: number[] = []
  await Promise.all([1, 2, 3].map((job) => queue.add(() => order.push(job), { priority: job === 3 ? 1 : 0 })))
  expect(order).toEqual([1, 3, 2])
})

test('TypeScript offers its compiler interface, which ts-node and the checks of the architecture need', () => {
  expect(ts.versionMajorMinor).toBe('6.0')
  expect(ts.createSourceFile('a.ts', 'const a = 1', ts.ScriptTarget.ES2022).statements).toHaveLength(1)
})
