import type { ClientNode } from '../../node/index.ts'
import type { Feature } from '../http/feature.ts'
import { addVolumeRoutes } from './routes.ts'

/** What outlives jobs at their providers. */
export function openVolumes({ node }: { node: Pick<ClientNode, 'volumes' | 'directory'> }): Feature {
  return { routes: (api) => addVolumeRoutes(api, node) }
}
