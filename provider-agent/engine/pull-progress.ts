import type { PullRequest } from './index.ts'

/** One message of a pull, as the engine sends it. */
export interface PullEvent {
  /** Layer that it is about. */
  id?: string
  status?: string
  progressDetail?: { current?: number; total?: number }
  error?: string
}

export type PullProgress = Parameters<NonNullable<PullRequest['onProgress']>>[0]

interface Layer {
  done: boolean
  bytesDone: number
  bytesTotal: number
}

/** Adds up a pull's messages. Answers the new sums, or null for a message that changes none. */
export function createPullProgress(): (event: PullEvent) => PullProgress | null {
  const layers = new Map<string, Layer>()
  return ({ id, status, progressDetail }) => {
    if (id === undefined || status === undefined || !isAboutLayer(status)) return null
    const layer = layers.get(id) ?? { done: false, bytesDone: 0, bytesTotal: 0 }
    layers.set(id, layer)
    if (status === 'Downloading') {
      layer.bytesTotal = progressDetail?.total ?? layer.bytesTotal
      layer.bytesDone = progressDetail?.current ?? layer.bytesDone
    } else if (status === 'Pull complete' || status === 'Already exists') {
      layer.done = true
    }
    if (layer.done || status === 'Download complete') layer.bytesDone = layer.bytesTotal
    return sum(layers.values())
  }
}

function isAboutLayer(status: string): boolean {
  return /^(Pulling fs layer|Waiting|Downloading|Verifying|Download complete|Extracting|Pull complete|Already exists)/.test(
    status,
  )
}

function sum(layers: Iterable<Layer>): PullProgress {
  const total = { layersDone: 0, layersTotal: 0, bytesDone: 0, bytesTotal: 0 }
  for (const layer of layers) {
    total.layersTotal += 1
    total.layersDone += layer.done ? 1 : 0
    total.bytesDone += layer.bytesDone
    total.bytesTotal += layer.bytesTotal
  }
  return total
}
