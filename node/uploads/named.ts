/** What keeps uploads beyond a day without use: whatever will still run, or may, and names them. */

import { type AskedInput, inputsAsked } from '../../protocol/job-inputs.ts'
import type { JobSpec } from '../../protocol/job-spec.ts'
import { partsOf } from '../../protocol/sent-image.ts'
import { findSentImage } from '../inputs/sent-image.ts'
import type { JobStore } from '../store/index.ts'
import { plainDigest, type StillToRun, type Uploads } from './index.ts'

/** The part of {@link createUploads} that knows what is named. */
export interface NamedUploads {
  add(source: () => AsyncIterable<StillToRun>): void
  /** Every upload that is named now, as {@link keyOf} calls it. @throws where a source fails: then nothing is known */
  all(uploads: Pick<Uploads, 'find' | 'open'>): Promise<Set<string>>
}

/** An upload of an owner, as one word. */
export function keyOf(owner: string, sha256: string): string {
  return `${owner} ${sha256}`
}

/** @param store whose jobs that have not ended are one source, queued and held ones among them */
export function createNamedUploads(store: Pick<JobStore, 'active'>): NamedUploads {
  const sources: (() => AsyncIterable<StillToRun>)[] = []

  return {
    add: (source) => void sources.push(source),
    async all(uploads) {
      const named = new Set<string>()
      const images = new Map<string, { owner: string; digest: string }>()
      const note = ({ owner, spec }: StillToRun): void => {
        for (const digest of digestsIn(spec)) named.add(keyOf(owner, plainDigest(digest)))
        const digest = spec.imageFrom?.upload
        if (digest !== undefined) images.set(keyOf(owner, plainDigest(digest)), { owner, digest })
      }
      for await (const { owner, spec, inputs = [], sentImage } of store.active()) {
        note({ owner, spec })
        for (const { blob } of inputs) if (blob !== undefined) named.add(keyOf(owner, blob.sha256))
        for (const { sha256 } of sentImage === undefined ? [] : partsOf(sentImage)) named.add(keyOf(owner, sha256))
      }
      for (const source of sources) for await (const one of source()) note(one)
      // Of an image its manifest is named, and its parts are named by that.
      for (const { owner, digest } of images.values()) {
        const found = await findSentImage(uploads, { owner, name: digest, digest })
        if ('code' in found) continue // not whole, so it cannot be run
        for (const { sha256 } of partsOf(found.sentImage)) named.add(keyOf(owner, sha256))
      }
      return named
    },
  }
}

function digestsIn(spec: Partial<JobSpec>): string[] {
  const asked: AskedInput[] = inputsAsked(spec)
  const digests = asked.flatMap(({ from }) => from.upload ?? [])
  return spec.imageFrom === undefined ? digests : [...digests, spec.imageFrom.upload]
}
