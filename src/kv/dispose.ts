/**
 * The symbols of `using` and `await using`, also where the runtime has none.
 *
 * Node 20 defines them in its main context but not in every other (a test runner's, say), and a computed method name that
 * is `undefined` would silently become a method called "undefined". `Symbol.for('nodejs.dispose')` is what Node itself
 * and the usual polyfills fall back to.
 */

/** `Symbol.dispose` or its stand-in. */
export const DISPOSE: typeof Symbol.dispose = symbolOf('dispose', 'nodejs.dispose') as typeof Symbol.dispose

/** `Symbol.asyncDispose` or its stand-in. */
export const ASYNC_DISPOSE: typeof Symbol.asyncDispose = symbolOf(
  'asyncDispose',
  'nodejs.asyncDispose',
) as typeof Symbol.asyncDispose

function symbolOf(name: 'dispose' | 'asyncDispose', standIn: string): symbol {
  return (Symbol as unknown as Partial<Record<typeof name, symbol>>)[name] ?? Symbol.for(standIn)
}
