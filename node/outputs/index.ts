import type { Readable } from 'node:stream'

/** What this peer's jobs left at their `outputs`, fetched from their providers and kept as tars. */
export interface Outputs {
  /** A job with outputs is about to have a provider: from here on its output is fetched at its end, over restarts. */
  expect(jobId: string): Promise<void>

  /** The kept tar; null where there is none (any more). */
  open(jobId: string): Promise<{ bytes: number; stream: Readable } | null>
}

/** What became of a job's outputs. */
export interface JobOutput {
  /** `waiting`: the provider has it, and it is on its way here. `lost`: it was not kept, and `message` says why. */
  state: 'waiting' | 'kept' | 'lost'
  /** Of the tar; 0 where it is lost. */
  bytes: number
  /** For people; empty where nothing is wrong. */
  message: string
}
