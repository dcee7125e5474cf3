import { z } from 'zod'
import { MAX_COMMAND_WORD_LENGTH, MAX_COMMAND_WORDS, MAX_TERMINAL_SIZE } from '../../protocol/limits.ts'
import { isArgument } from '../../protocol/text.ts'

/** How long a command without a socket may take, in seconds. */
const EXEC_SECONDS = 60
const MAX_EXEC_SECONDS = 600

const word = z.string().max(MAX_COMMAND_WORD_LENGTH).refine(isArgument, 'must be valid text without NUL characters')
const size = z.int().min(1).max(MAX_TERMINAL_SIZE)

/** Body of `POST /plugin-core/jobs/{id}/exec`: a command and its arguments, run without a shell. */
export const execRequestSchema = z
  .strictObject({
    command: z.array(word).min(1).max(MAX_COMMAND_WORDS),
    interactive: z.boolean().default(false).describe('Answers the address of a WebSocket instead of the output.'),
    terminal: z.boolean().default(true).describe('With `interactive`: whether it gets a terminal.'),
    columns: size.default(80).describe('Of the terminal.'),
    rows: size.default(24).describe('Of the terminal.'),
    timeout: z
      .int()
      .min(1)
      .max(MAX_EXEC_SECONDS)
      .default(EXEC_SECONDS)
      .describe('Without `interactive`: seconds to wait for its end; then its provider ends it, where it can.'),
  })
  .meta({ id: 'ExecRequest' })

/**
 * What a command is answered: its output, of each stream the first MiB, or with `interactive` the address of a
 * WebSocket to it.
 */
export const execAnswerSchema = z
  .union([
    z.strictObject({
      exitCode: z.number().int().nullable().describe('Null where it had not ended in time; it goes on.'),
      stdout: z.string(),
      stderr: z.string(),
      truncated: z.boolean().describe('Whether there was more output than is answered.'),
    }),
    z.strictObject({
      url: z.string().describe('Of the WebSocket; it opens once.'),
      expiresAt: z.iso.datetime(),
    }),
  ])
  .meta({ id: 'ExecAnswer' })

/** Answer of `GET /plugin-core/jobs/{id}/container`: what its provider sees of the running container at this moment. */
export const containerSchema = z
  .strictObject({
    startedAt: z.iso.datetime(),
    imageDigest: z.string(),
    processes: z.array(z.strictObject({ pid: z.number().int(), user: z.string(), command: z.string() })),
    usage: z.strictObject({
      memory: z.number().describe('Bytes.'),
      memoryLimit: z.number().describe('Bytes.'),
      processes: z.number().int(),
      network: z.strictObject({ rx: z.number(), tx: z.number() }).describe('Bytes since the container started.'),
    }),
    mounts: z.array(z.strictObject({ path: z.string(), name: z.string(), readOnly: z.boolean() })),
    networks: z.array(z.strictObject({ address: z.string(), gateway: z.string() })),
  })
  .meta({ id: 'Container' })

/**
 * Body of `POST /plugin-core/jobs/{id}/links`: an exposed TCP port, and the path and query that the browser opens
 * there.
 */
export const portLinkSchema = z
  .strictObject({
    port: z.int().min(1).max(65_535),
    path: z
      .string()
      .max(1024)
      .regex(/^\/(?!\/)[\x21-\x7e]*$/, 'must begin with one / and hold no spaces')
      .default('/'),
  })
  .meta({ id: 'PortLinkRequest' })
