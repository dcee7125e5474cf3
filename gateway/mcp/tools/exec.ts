import { z } from 'zod'
import { execRequestSchema } from '../../contract/exec.ts'
import { clipped, shown } from '../text.ts'
import { jobField } from './fields.ts'
import { tool } from './tool.ts'

/** Characters of each of the two outputs that are answered. */
const MAX_CHARACTERS = 32_768
const MAX_SCRIPT_CHARACTERS = 16_384

const { command, timeout } = execRequestSchema.shape

/** `exec` */
export const execTools = [
  tool({
    name: 'exec',
    title: 'Run a command in a running job',
    description:
      'Runs a shell command in the container of a sandbox or of any job that runs, and answers its exit code and output. Each call is a shell of its own: cd and variables do not carry over, files do. What takes longer than timeout is ended: start that in the background with its output in a file, such as "make >/tmp/make.log 2>&1 &", and read the file later.',
    permission: 'jobs:write',
    input: z.strictObject({
      job: jobField,
      script: z
        .string()
        .min(1)
        .max(MAX_SCRIPT_CHARACTERS)
        .optional()
        .describe('Shell code, run with sh -c. Give it or command.'),
      command: command.optional().describe('A program and its arguments, without a shell: for images without sh.'),
      timeout: timeout.default(45).describe('Seconds that it may take. Most clients give up on a call after 60.'),
    }),
    async call({ job, script, command: words, timeout: seconds }, { client, signal }) {
      const run = words ?? ['sh', '-c', script ?? 'true']
      const { exitCode, stdout, stderr, truncated } = await client.jobs.exec(job, run, { timeout: seconds, signal })
      const [out, err] = [clipped(shown(stdout), MAX_CHARACTERS), clipped(shown(stderr), MAX_CHARACTERS)]
      return {
        job,
        exitCode,
        ...(exitCode === null
          ? { next: `It had not ended after ${seconds} s: give a longer timeout, or start it in the background.` }
          : {}),
        ...(truncated || out.leftOut > 0 || err.leftOut > 0
          ? {
              cut: true,
              remedy: 'The middle was left out: write the output to a file, and read parts of it with read_file.',
            }
          : {}),
        untrusted: { stdout: out.text, stderr: err.text },
      }
    },
  }),
]
