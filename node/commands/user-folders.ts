import envPaths, { type Paths } from 'env-paths'

/** The platform's folders for this program's data, configuration and cache, those of who runs it. */
export function userFolders(): Paths {
  return envPaths('cortex-node', { suffix: '' })
}
