import { Readable } from 'node:stream'
import { inlineBlob, inputsAsked } from '../../protocol/job-inputs.ts'
import type { InputSource } from './index.ts'

/** The text of those inputs that a job brings itself: it is kept in the job's own record. */
export const inlineSource: InputSource = {
  async open({ spec }, sha256, offset) {
    for (const { from } of inputsAsked(spec)) {
      if (from.inline === undefined || inlineBlob(from.inline).sha256 !== sha256) continue
      const bytes = Buffer.from(from.inline)
      return { bytes: bytes.length, stream: Readable.from([bytes.subarray(offset)]) }
    }
    return null
  },
}
