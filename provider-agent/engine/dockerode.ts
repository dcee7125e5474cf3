/**
 * dockerode as it is, but for two of its modules that are loaded when they are first called: the ones for builds with
 * BuildKit, and for engines over SSH. Nothing here asks for either, and together they load 160 modules.
 */

import { createRequire, Module } from 'node:module'

type Unknown = (...given: unknown[]) => unknown

const require = createRequire(import.meta.url)
const ofDockerode = createRequire(require.resolve('dockerode'))
for (const name of ['dockerode/lib/session', 'docker-modem/lib/ssh']) loadWhenCalled(ofDockerode.resolve(name))

/** The client of an engine's API. */
export const Docker: typeof import('dockerode') = require('dockerode')

/** For a module that exports a function and nothing else. One that somebody else has loaded is left alone. */
function loadWhenCalled(path: string): void {
  if (require.cache[path] !== undefined) return
  let loaded: Unknown | undefined
  const call: Unknown = (...given) => {
    if (loaded === undefined) {
      delete require.cache[path]
      loaded = require(path) as Unknown
    }
    return loaded(...given)
  }
  require.cache[path] = Object.assign(new Module(path), { filename: path, loaded: true, exports: call })
}
