import type { JobSubmission } from '../../protocol/job-spec.ts'
import { TO_BE_GIVEN } from './input-flags.ts'

/** What `--send-image`, `--build` and `--image-from` say. */
export interface ImageFlags {
  sendImage?: true
  /** A folder with a Dockerfile. */
  build?: string
  /** Digest of an image that was pushed before. */
  imageFrom?: string
}

/** Where the image is for the job's schema, before it was given. */
export function imageToCheck(flags: ImageFlags): JobSubmission['imageFrom'] {
  if (bringsImage(flags)) return { upload: TO_BE_GIVEN }
  const { imageFrom } = flags
  return imageFrom === undefined ? undefined : { upload: imageFrom }
}

/** Whether the flags ask for an image of this machine. */
export function bringsImage({ sendImage, build }: ImageFlags): boolean {
  return sendImage === true || build !== undefined
}
