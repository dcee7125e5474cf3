/** The program of `runTogether`: its arguments are test files, each of which becomes a suite of its name. */
import { createRequire } from 'node:module'
import { after, describe } from 'node:test'
import { spent } from './spent.ts'

/** How Node says that a file, or what it imports, waits at its top: such a one has no test here. */
const WAITS = 'ERR_REQUIRE_ASYNC_MODULE'

const load = createRequire(import.meta.url)
for (const file of process.argv.slice(2)) {
  describe(file, () => {
    try {
      // Not by `import`, which comes back later: what a file says at its top would belong to no suite.
      load(file)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== WAITS) throw error
    }
    after(() => spent.take(file))
  })
}
