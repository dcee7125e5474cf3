/** `constraints` of a submission: what its provider must be. */

import { z } from 'zod'
import { bytesField, labelsField, lineField, secondsField, wholeField } from './job-fields.ts'
import { MAX_CAPABILITIES, MAX_CONSTRAINTS_BYTES, MAX_LABEL_LENGTH, MAX_SCORE } from './limits.ts'

/** What a job asks of its provider: broadcast, so that it is bounded as a whole. */
export const constraintsField = z
  .strictObject({
    region: lineField(128).optional().describe('Where the machine is, as its provider says it.'),
    labels: labelsField.default({}).describe('Labels that the provider must have, with these values.'),
    minUptime: secondsField(0, 10 * 365 * 24 * 3600)
      .default(0)
      .describe('Seconds the provider has been up without a break.'),
    capabilities: z
      .array(lineField(MAX_LABEL_LENGTH))
      .max(MAX_CAPABILITIES)
      .default([])
      .describe('What the provider must be able to do, such as `storage-quota`.'),
    minCpuScore: wholeField(1, MAX_SCORE)
      .optional()
      .describe('Primes up to 10,000 that one core finds, times a second, as providers measure themselves.'),
    minCpuAllScore: wholeField(1, MAX_SCORE).optional().describe('The same of all cores of the machine together.'),
    minMemoryBandwidth: bytesField('bytes a second').optional().describe('That one core copies, a second.'),
    minDiskRead: bytesField('bytes a second').optional().describe('A second, in blocks of 1 MiB.'),
    minDiskWrite: bytesField('bytes a second').optional().describe('A second, in blocks of 1 MiB.'),
    minIops: wholeField(1, MAX_SCORE).optional().describe('Blocks of 4 KiB a second, half read and half written.'),
  })
  .refine(
    (constraints) => Buffer.byteLength(JSON.stringify(constraints)) <= MAX_CONSTRAINTS_BYTES,
    `must be an object of at most ${MAX_CONSTRAINTS_BYTES} bytes in all: it is broadcast`,
  )
