import type Docker from 'dockerode'
import type { Repository } from '../../../node/registry/repository.ts'
import { isReadableAt } from '../../images/names.ts'
import { askEngine } from '../ask-engine.ts'

/** Layers that the engine has already, and that whoever reads an image may have from here. */
export interface SharedLayers {
  /** How many of these layers, from the lowest on, need not be sent. */
  count(diffIds: readonly string[], repository: Repository, signal: AbortSignal): Promise<number>
}

/** Images that are looked into for one pull. */
const MAX_LOOKED_AT = 200

/** Remembers the layers of images by their ids; asks the engine anew which images there are. */
export function createSharedLayers(docker: Docker): SharedLayers {
  /** Layers by image id; those never change. */
  const layers = new Map<string, string[]>()

  async function layersOf(id: string): Promise<string[]> {
    const known = layers.get(id)
    if (known !== undefined) return known
    const { RootFS: root } = await docker.getImage(id).inspect()
    const found = root?.Layers ?? []
    if (layers.size > 10 * MAX_LOOKED_AT) layers.clear()
    layers.set(id, found)
    return found
  }

  return {
    count: (diffIds, repository, signal) =>
      askEngine('looking for layers', signal, async (abort) => {
        const images = await docker.listImages(abort as object)
        const readable = images
          .filter(({ RepoTags: names }) => (names ?? []).some((name) => isReadableAt(name, repository)))
          .slice(0, MAX_LOOKED_AT)
        let most = 0
        for (const { Id: id } of readable) {
          // Gone since: then it has none.
          const has = await layersOf(id).catch((): string[] => [])
          let same = 0
          while (same < diffIds.length && has[same] === diffIds[same]) same += 1
          most = Math.max(most, same)
        }
        return most
      }),
  }
}
