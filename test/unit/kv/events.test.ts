/**
 * Events reach the listener and the channels, and a listener that fails disturbs nothing.
 */
import diagnostics from 'node:diagnostics_channel'
import { Events } from '../../../src/kv/events'
import type { DatabaseEvent } from '../../../src/kv/events'

const flush: DatabaseEvent = { type: 'flush', bytes: 1, entries: 2, ms: 3 }
const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('events', () => {
  test('go to the listener and to the channel of their type', () => {
    const heard: DatabaseEvent[] = []
    const published: unknown[] = []
    const subscriber = (message: unknown): void => void published.push(message)
    diagnostics.subscribe('strictkv:flush', subscriber)
    const events = new Events((event) => heard.push(event))
    events.emit(flush)
    events.emit({ type: 'poisoned', error: new Error('log') })
    diagnostics.unsubscribe('strictkv:flush', subscriber)
    events.emit(flush)
    expect(heard.map(({ type }) => type)).toEqual(['flush', 'poisoned', 'flush'])
    expect(published).toEqual([flush])
  })

  test('a listener that throws or rejects is counted and disturbs nothing', async () => {
    const failures = [new Error('first'), new Error('second')]
    let calls = 0
    const events = new Events(() => {
      if (calls++ === 0) throw failures[0]!
      return Promise.reject(failures[1]!)
    })
    events.emit(flush)
    expect(events.lastListenerFailure).toBe(failures[0])
    events.emit(flush)
    await later()
    expect(events.listenerFailures).toBe(2)
    expect(events.lastListenerFailure).toBe(failures[1])
  })

  test('a callback of the application that fails becomes an event', async () => {
    const heard: DatabaseEvent[] = []
    const events = new Events((event) => heard.push(event))
    const now = new Error('now')
    const soon = new Error('soon')
    events.runCallback(() => {
      throw now
    })
    events.runCallback(() => Promise.reject(soon))
    await later()
    expect(heard).toEqual([
      { type: 'backgroundError', job: 'callback', error: now },
      { type: 'backgroundError', job: 'callback', error: soon },
    ])
  })
})
