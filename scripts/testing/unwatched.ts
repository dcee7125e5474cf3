/**
 * Loaded into a test's process before the test. `node:test` watches every promise that is made, to tell whose an error is
 * that nobody caught, which costs more than all that most of our tests do. Here it watches all but promises: what one of
 * them rejects with and nobody caught is shown and fails the file, but not always a single test of it.
 */
import hooks from 'node:async_hooks'
import { isMainThread } from 'node:worker_threads'

// Threads of a test are given the flags of its process.
if (isMainThread) {
  const { createHook } = hooks
  // What the types do not know yet: https://nodejs.org/api/async_hooks.html#async_hookscreatehookoptions
  hooks.createHook = (calls) => createHook({ ...calls, trackPromises: false } as hooks.HookCallbacks)
  await import('node:test') // keeps the function that is there now
  hooks.createHook = createHook
  // What the test forks is given them as well.
  process.execArgv = process.execArgv.filter((flag) => !flag.endsWith('/unwatched.ts'))

  process.on('unhandledRejection', (reason) => {
    console.error(reason)
    process.exitCode = 1
  })
}
