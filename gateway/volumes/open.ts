import type { Feature } from '../http/feature.ts'
import { addVolumeRoutes, type VolumeComponents } from './routes.ts'

const CONTENT_PATH = /\/plugin-core\/volumes\/[^/]+\/content$/

/** What outlives jobs at their providers. */
export function openVolumes(components: VolumeComponents): Feature {
  return {
    routes: (api) => addVolumeRoutes(api, components),
    // It goes to the provider as it comes, and is bounded there.
    readsBody: ({ method, path }) => method === 'PUT' && CONTENT_PATH.test(path),
  }
}
