import { SENT_IMAGES } from '../../protocol/capabilities.ts'
import { registryOfImage } from '../../protocol/image-registry.ts'
import type { Requirements } from '../../protocol/market-messages.ts'
import type { Missing } from '../../protocol/wanted-blobs.ts'
import type { ImageKeeper } from '../images/keeper.ts'
import type { Arrivals } from '../inputs/arrivals.ts'

/** What of a job's bytes is not here; of what nobody knows, nothing is said. */
export interface LackingData {
  fromRequester?: Missing
  fromRegistry?: Missing
}

/** What of a request says which bytes its job needs. */
type Asked = Pick<Requirements, 'blobs' | 'image' | 'imageBytes' | 'imageDigest' | 'capabilities'>

/** What {@link createLackingData} works with. */
export interface LackingDataComponents {
  images: Pick<ImageKeeper, 'holds'>
  arrivals: Pick<Arrivals, 'rate'>
  /** Whether what this requester calls so is here. */
  has: (requester: string, mark: string) => boolean
}

/** Says what a requester's job would have to wait for; reads nothing but memory. */
export function createLackingData({ images, arrivals, has }: LackingDataComponents) {
  return (requester: string, { blobs, image, imageBytes, imageDigest, capabilities }: Asked): LackingData => {
    const lacking: LackingData = {}
    if (blobs !== undefined) {
      const missing = blobs.marked.filter(({ mark }) => !has(requester, mark))
      // The others are small beside those that are named: whoever has all of these had the job's data before.
      const others = missing.length === 0 ? 0 : blobs.otherBytes
      const bytes = missing.reduce((sum, blob) => sum + blob.bytes, others)
      lacking.fromRequester = { bytes, bytesPerSecond: arrivals.rate('requester', requester) }
    }
    if (imageDigest !== '' && !capabilities.includes(SENT_IMAGES)) {
      const bytes = images.holds(imageDigest) ? 0 : imageBytes
      const bytesPerSecond = arrivals.rate('registry', registryOfImage(image))
      if (bytes !== undefined) lacking.fromRegistry = { bytes, bytesPerSecond }
    }
    return lacking
  }
}
