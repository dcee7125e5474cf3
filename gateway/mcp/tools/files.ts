import { posix } from 'node:path'
import { z } from 'zod'
import { CortexError, type Job } from '../../client/index.ts'
import { isTerminal } from '../../contract/job-status.ts'
import { shown } from '../text.ts'
import { ToolError } from '../tool-error.ts'
import { jobField, pathField } from './fields.ts'
import { type ToolContext, tool } from './tool.ts'

/** Bytes of a file in one answer, unless said otherwise and at most. */
const READ_BYTES = 32_768
const MAX_READ_BYTES = 131_072
/** Characters of a file that is written. */
const MAX_WRITE_CHARACTERS = 524_288
/** Entries of a folder in one answer. */
const MAX_ENTRIES = 200

/** `list_files`, `read_file` and `write_file` */
export const fileTools = [
  tool({
    name: 'list_files',
    title: 'List a folder of a running job',
    description:
      'Answers what is in a folder of a running job’s container. With nextCursor of the answer as cursor it goes on.',
    needs: ['jobs:write'],
    input: z.strictObject({
      job: jobField,
      path: pathField.default('/'),
      cursor: z.string().max(2_048).optional().describe('nextCursor of the answer before.'),
    }),
    reads: true,
    async call({ job, path, cursor }, { client, signal }) {
      const page = { max: MAX_ENTRIES, ...(cursor === undefined ? {} : { cursor }) }
      const { type, size, entries, total, nextCursor } = await client.jobs.files.list(job, path, { ...page, signal })
      const names = entries?.map((one) => ({ name: shown(one.name), type: one.type, size: one.size })) ?? null
      return { job, path, type, size, total, nextCursor, untrusted: { entries: names } }
    },
  }),
  tool({
    name: 'read_file',
    title: 'Read a file of a job',
    description:
      'Answers a file of a running job’s container; of a job that has ended, of what it left at its outputs. Text comes as text, anything else as base64. Of a large file it is a part: nextOffset of the answer as offset goes on. While the job runs the key needs jobs:write.',
    needs: ['jobs:read'],
    input: z.strictObject({
      job: jobField,
      path: pathField,
      offset: z.int().min(0).default(0).describe('Byte from which on.'),
      length: z.int().min(1).max(MAX_READ_BYTES).default(READ_BYTES).describe('Bytes at most.'),
    }),
    reads: true,
    async call({ job: id, path, offset, length }, context) {
      const job = await context.client.jobs.get(id, { signal: context.signal })
      const read = await readPart(job, path, { offset, length: length + 1 }, context)
      const isMore = read.length > length
      const { bytes, ...content } = contentOf(read.subarray(0, length), isMore)
      return { job: id, path, offset, bytes, nextOffset: isMore ? offset + bytes : null, untrusted: content }
    },
  }),
  tool({
    name: 'write_file',
    title: 'Write a file into a running job',
    description:
      'Writes a file into a running job’s container, in folders that are made where they are missing; what was at that path is replaced.',
    needs: ['jobs:write'],
    input: z.strictObject({
      job: jobField,
      path: pathField,
      content: z.string().max(MAX_WRITE_CHARACTERS).describe('All of the file.'),
      encoding: z.enum(['utf8', 'base64']).default('utf8').describe('How content is written.'),
      mode: z
        .string()
        .regex(/^[0-7]{3,4}$/)
        .optional()
        .describe('Permission bits in octal, such as 755 for a program.'),
    }),
    destroys: true,
    async call({ job, path, content, encoding, mode }, { client, signal }) {
      const bytes = Buffer.from(content, encoding)
      const how = mode === undefined ? {} : { mode: Number.parseInt(mode, 8) }
      const written = await client.jobs.files.write(job, path, new Uint8Array(bytes), { ...how, signal })
      return { job, path, bytes: written.bytes }
    },
  }),
]

type Range = { offset: number; length: number }

async function open(job: Job, path: string, part: Range, { client, signal }: ToolContext) {
  if (!isTerminal(job.status)) return await client.jobs.files.read(job.id, path, { ...part, signal })
  return await client.jobs.output(job.id, { path: entryOf(job, path), ...part, signal })
}

/** What a file of a container is called in what is kept of its outputs. @throws {ToolError} */
function entryOf({ config }: Job, path: string): string {
  const outputs = (config.outputs ?? []) as string | { name: string; path: string }[]
  const all = typeof outputs === 'string' ? [{ name: posix.basename(outputs), path: outputs }] : outputs
  const root = all.find((one) => path === one.path || path.startsWith(`${one.path}/`))
  if (root !== undefined) return `${root.name}${path.slice(root.path.length)}`
  const kept =
    all.length === 0
      ? 'it named no outputs, and nothing was kept'
      : `only what is below ${all.map((one) => one.path).join(', ')} was kept`
  throw new ToolError(
    'JOB_HAS_ENDED',
    `The job has ended, and ${kept}: give outputs when you run it, or read the file while it runs`,
  )
}

/** No range of an empty file can be had: from its beginning on it is answered as what it is. */
async function readPart(job: Job, path: string, part: Range, context: ToolContext): Promise<Buffer> {
  let stream: ReadableStream<Uint8Array>
  try {
    stream = await open(job, path, part, context)
  } catch (error) {
    const isEmpty = part.offset === 0 && error instanceof CortexError && error.code === 'RANGE_NOT_SATISFIABLE'
    if (isEmpty) return Buffer.alloc(0)
    throw error
  }
  const chunks: Uint8Array[] = []
  let bytes = 0
  // Leaving the loop ends the download.
  for await (const chunk of stream) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes >= part.length) break
  }
  return Buffer.concat(chunks).subarray(0, part.length)
}

/** @param isCut whether it may end within a character, which is then left for the next part */
function contentOf(bytes: Buffer, isCut: boolean): { bytes: number; text: string } | { bytes: number; base64: string } {
  if (!bytes.includes(0)) {
    try {
      const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: isCut })
      const whole = Buffer.byteLength(text)
      if (whole > 0 || bytes.length === 0) return { bytes: whole, text }
    } catch {
      // No text: it goes as it is.
    }
  }
  return { bytes: bytes.length, base64: bytes.toString('base64') }
}
