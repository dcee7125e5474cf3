import { z } from 'zod'
import { execRequestSchema } from '../../contract/exec.ts'
import { type Part, shownEnds, shownStart } from '../text.ts'
import { jobField, MAX_SCRIPT_CHARACTERS, MAX_WAIT_SECONDS } from './fields.ts'
import { tool } from './tool.ts'

/** Characters of each of the two outputs that are answered. */
const MAX_CHARACTERS = 32_768

const { command } = execRequestSchema.shape

const READ_PARTS = 'write the output to a file, and read parts of it with read_file.'
/** What to do where output is missing, by whether there was more than the API keeps of it. */
const REMEDIES = {
  true: `This is the beginning, and what came after the first MiB is not kept: ${READ_PARTS}`,
  false: `The middle was left out: ${READ_PARTS}`,
} as const

/** Of output that goes on after what is known of it the beginning, else its ends. */
function partOf(text: string, truncated: boolean): Part {
  if (!truncated) return shownEnds(text, MAX_CHARACTERS)
  return { text: shownStart(text, MAX_CHARACTERS), leftOut: Math.max(0, text.length - MAX_CHARACTERS) }
}

/** `exec` */
export const execTools = [
  tool({
    name: 'exec',
    title: 'Run a command in a running job',
    description:
      'Runs a shell command in the container of a sandbox or of any job that runs, and answers its exit code and output. Each call is a shell of its own: cd and variables do not carry over, files do. What takes longer than timeout is ended: start that in the background with its output in a file, such as "make >/tmp/make.log 2>&1 &", and read the file later.',
    needs: ['jobs:write'],
    input: z.strictObject({
      job: jobField,
      script: z
        .string()
        .min(1)
        .max(MAX_SCRIPT_CHARACTERS)
        .optional()
        .describe('Shell code, run with sh -c. Give it or command.'),
      command: command.optional().describe('A program and its arguments, without a shell: for images without sh.'),
      timeout: z
        .int()
        .min(1)
        .max(MAX_WAIT_SECONDS)
        .default(45)
        .describe('Seconds that it may take: most clients give up on a call after 60.'),
    }),
    async call({ job, script, command: words, timeout: seconds }, { client, signal }) {
      const run = words ?? ['sh', '-c', script ?? 'true']
      const { exitCode, stdout, stderr, truncated } = await client.jobs.exec(job, run, { timeout: seconds, signal })
      const [out, err] = [partOf(stdout, truncated), partOf(stderr, truncated)]
      return {
        job,
        exitCode,
        ...(exitCode === null
          ? { next: `It had not ended after ${seconds} s: start it in the background, and look later.` }
          : {}),
        ...(truncated || out.leftOut > 0 || err.leftOut > 0 ? { cut: true, remedy: REMEDIES[`${truncated}`] } : {}),
        untrusted: { stdout: out.text, stderr: err.text },
      }
    },
  }),
]
