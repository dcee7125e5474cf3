import { z } from 'zod'
import { MAX_COMMAND_WORD_LENGTH, MAX_COMMAND_WORDS, MAX_TERMINAL_SIZE } from '../../protocol/limits.ts'
import { isArgument } from '../../protocol/text.ts'

/** How long a command without a socket may take where nobody says, in seconds; one that is answered as events takes its time. */
export const EXEC_SECONDS = 60
const MAX_EXEC_SECONDS = 600

const word = z.string().max(MAX_COMMAND_WORD_LENGTH).refine(isArgument, 'must be valid text without NUL characters')
const size = z.int().min(1).max(MAX_TERMINAL_SIZE)

/** Body of `POST /plugin-core/jobs/{id}/exec`: a command and its arguments, run without a shell. */
export const execRequestSchema = z
  .strictObject({
    command: z
      .array(word)
      .min(1)
      .max(MAX_COMMAND_WORDS)
      .describe('A program and its arguments; no shell takes them apart.'),
    interactive: z.boolean().default(false).describe('Answers the address of a WebSocket instead of the output.'),
    terminal: z.boolean().default(true).describe('With `interactive`: whether it gets a terminal.'),
    columns: size.default(80).describe('Of the terminal.'),
    rows: size.default(24).describe('Of the terminal.'),
    keep: z
      .boolean()
      .default(false)
      .describe('With `interactive`: whether the command waits a minute for another socket where its own is lost.'),
    timeout: z
      .int()
      .min(1)
      .max(MAX_EXEC_SECONDS)
      .optional()
      .describe(
        'Without `interactive`: seconds to wait for its end; then its provider ends it, where it can. 60 where it is not given, and as events no end.',
      ),
  })
  .meta({ id: 'ExecRequest', description: 'A command for the running container.' })

/**
 * What a command is answered: its output, of each stream the first MiB, or with `interactive` the address of a
 * WebSocket to it.
 */
export const execAnswerSchema = z
  .union([
    z.strictObject({
      exitCode: z.number().int().nullable().describe('Null where it had not ended in time; it goes on.'),
      stdout: z.string().describe('What it wrote there.'),
      stderr: z.string().describe('What it wrote there.'),
      truncated: z.boolean().describe('Whether there was more output than is answered.'),
    }),
    z.strictObject({
      url: z.string().describe('Of the WebSocket; it opens once.'),
      expiresAt: z.iso.datetime().describe('When it can be used no more.'),
    }),
  ])
  .meta({
    id: 'ExecAnswer',
    description:
      'The output of the command, of each stream the first MiB; with `interactive` the address of a WebSocket to it.',
  })

/** Answer of `GET /plugin-core/jobs/{id}/container`: what its provider sees of the running container at this moment. */
export const containerSchema = z
  .strictObject({
    startedAt: z.iso.datetime().describe('When it started.'),
    imageDigest: z.string().describe('Of the image that runs.'),
    processes: z
      .array(
        z.strictObject({
          pid: z.number().int().describe('As its provider counts.'),
          user: z.string().describe('As whom it runs.'),
          command: z.string().describe('With its arguments.'),
        }),
      )
      .describe('What runs in it.'),
    usage: z
      .strictObject({
        memory: z.number().describe('Bytes.'),
        memoryLimit: z.number().describe('Bytes.'),
        processes: z.number().int().describe('How many there are.'),
        network: z
          .strictObject({ rx: z.number().describe('Received.'), tx: z.number().describe('Sent.') })
          .describe('Bytes since the container started.'),
      })
      .describe('What it uses at this moment.'),
    mounts: z
      .array(
        z.strictObject({
          path: z.string().describe('Where it is.'),
          name: z.string().describe('Of the volume.'),
          readOnly: z.boolean().describe('Whether nothing can be written there.'),
        }),
      )
      .describe('What is mounted.'),
    networks: z
      .array(
        z.strictObject({
          address: z.string().describe('Of the container.'),
          gateway: z.string().describe('Through which it reaches others.'),
        }),
      )
      .describe('That it is in.'),
  })
  .meta({ id: 'Container', description: 'What a provider sees of a running container at this moment.' })

/**
 * Body of `POST /plugin-core/jobs/{id}/links`: an exposed TCP port, and the path and query that the browser opens
 * there.
 */
export const portLinkSchema = z
  .strictObject({
    port: z.int().min(1).max(65_535).describe('On which the container listens.'),
    path: z
      .string()
      .max(1024)
      .regex(/^\/(?!\/)[\x21-\x7e]*$/, 'must begin with one / and hold no spaces')
      .default('/')
      .describe('Path and query that the browser opens there.'),
  })
  .meta({ id: 'PortLinkRequest', description: 'Which exposed port a browser is to open.' })
