import type { JobSubmission } from '../../protocol/job-spec.ts'

/** What `--send-image`, `--build` and `--image-from` say. */
export interface ImageFlags {
  sendImage?: true
  /** A folder with a Dockerfile. */
  build?: string
  /** Digest of an image that was pushed before. */
  imageFrom?: string
}

/** Stands for the digest of what is still to be given, so that everything else can be checked before. */
const TO_BE_GIVEN = `sha256:${'0'.repeat(64)}`

/** Where the image is for the job's schema, before it was given. */
export function imageToCheck({ sendImage, build, imageFrom }: ImageFlags): JobSubmission['imageFrom'] {
  if (sendImage === true || build !== undefined) return { upload: TO_BE_GIVEN }
  return imageFrom === undefined ? undefined : { upload: imageFrom }
}

/** Whether the flags ask for an image of this machine. */
export function bringsImage({ sendImage, build }: ImageFlags): boolean {
  return sendImage === true || build !== undefined
}
