/** What an image's configuration says of how its program runs, as far as engines need it to be of one form; pure. */

import { posix } from 'node:path'
import { z } from 'zod'

// Engines take null for whatever is left out, and so for what a list leaves out.
const text = z.string().regex(/^[^\0]*$/)
const texts = z.array(text.nullable())
/** Entries of an environment; without a name one is nothing that a program can be given. */
const entries = z.array(z.union([z.literal(''), z.string().regex(/^[^=\0][^\0]*$/)]).nullable())
const words = z.union([text, texts])
const flags = z.record(z.string(), z.looseObject({}).nullable())
const count = z.int()

const healthcheckSchema = z.looseObject({
  Test: words.nullish(),
  Interval: count.nullish(),
  Timeout: count.nullish(),
  StartPeriod: count.nullish(),
  Retries: count.nullish(),
})

/**
 * The `config` of an image's configuration. What is not named here is the engine's to judge; what is would be told only
 * when a container is made or started, and as that engine's fault.
 */
export const runSchema = z
  .looseObject({
    User: text.nullish(),
    WorkingDir: z
      .string()
      .regex(/^(\/[^\0]*)?$/)
      .nullish(),
    Env: entries.nullish(),
    Entrypoint: words.nullish(),
    Cmd: words.nullish(),
    Shell: words.nullish(),
    StopSignal: text.nullish(),
    Healthcheck: healthcheckSchema.nullish(),
    Labels: z.record(z.string(), z.string().nullable()).nullish(),
    ExposedPorts: flags.nullish(),
    // One on the root would hide all of the image.
    Volumes: flags
      .refine((volumes) => Object.keys(volumes).every((path) => posix.resolve('/', path) !== '/'))
      .nullish(),
  })
  .nullish()
