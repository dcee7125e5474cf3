import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { InvalidArgumentError } from 'commander'
import type { JobSubmission } from '../../protocol/job-spec.ts'
import { CliError } from './cli-error.ts'
import { s3Flag } from './s3-flag.ts'

/** What `--input` says. */
export interface InputFlag {
  /** What is before the path in the container: a file or folder of this machine, {@link OF_A_JOB}, a URL, a bucket's or a repository. */
  source: string
  path: string
  mode: 'ro' | 'rw'
}

/** Flags that say what is brought, and the secrets that it may be fetched by. */
interface SourceFlags {
  input?: InputFlag[]
  secret?: Record<string, string>
}

type Inputs = NonNullable<JobSubmission['inputs']>

/** What is wrong with something of this machine, by the system's own code. */
const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'is not there',
  ENOTDIR: 'is not there',
  EACCES: 'may not be read',
  ENOTSUP: 'is neither a file nor a folder',
}

/** What an earlier job left, or an entry of that, in place of a file of this machine. */
const OF_A_JOB = /^job:([^/]*)(?:\/(.*?)\/?)?$/s

/** A URL whose file is known. */
const OF_A_DIGEST = /^(.+)#sha256=([0-9a-f]*)$/i

/** A repository, whether with its submodules, and a branch, tag or commit of it. */
const OF_GIT = /^git\+(https:\/\/[^#]*?)(\?submodules)?(?:#(.*))?$/is

/** The secret that opens a repository, where the job has one of this name. */
const GIT_TOKEN = 'GIT_TOKEN'

/** Stands for the digest of what is still to be given, so that everything else can be checked before. */
export const TO_BE_GIVEN = `sha256:${'0'.repeat(64)}`

/** Reads one `SOURCE:/path[:rw]`; a source may have colons of its own. */
export function inputFlag(text: string, previous: InputFlag[] = []): InputFlag[] {
  const [, source, path, mode = 'ro'] = /^(.+?):(\/[^:]*)(?::(ro|rw))?$/.exec(text) ?? []
  if (source === undefined || path === undefined) {
    throw new InvalidArgumentError(
      'Write it as ./data:/data, job:JOB:/data, https://…:/data, s3://BUCKET/KEY:/data or git+https://…#main:/data, with :rw behind it for a copy that the job may write.',
    )
  }
  if (/^(https?|s3|git\+https)$/i.test(source)) {
    throw new InvalidArgumentError(
      'Write where it is to stand behind the URL: https://example.com/model.bin:/model.bin.',
    )
  }
  return [...previous, { source, path, mode: mode === 'rw' ? 'rw' : 'ro' }]
}

/** The standard input for the job's schema, likewise. */
export function stdinToCheck(interactive: boolean | undefined): JobSubmission['stdin'] {
  return interactive === true ? { upload: TO_BE_GIVEN } : undefined
}

/** Inputs for the job's schema, before anything was given. */
export function inputsToCheck({ input, secret = {} }: SourceFlags): Inputs | undefined {
  return input?.map((flag) => inputOf(flag, fromElsewhere(flag, secret) ?? { upload: TO_BE_GIVEN }))
}

/**
 * What `--input` and `-i` ask to be brought, with the digests of what they name.
 * @param give as of {@link givenInputs}
 */
export async function givenSources(
  { input = [], secret = {}, interactive }: SourceFlags & { interactive?: boolean },
  give: (path: string) => Promise<string>,
): Promise<Pick<JobSubmission, 'inputs' | 'stdin'>> {
  const inputs = input.length === 0 ? {} : { inputs: await givenInputs(input, secret, give) }
  return interactive === true ? { ...inputs, stdin: { upload: await pipedIn(give) } } : inputs
}

/** Gives what is piped in to this process, once it has ended. @throws {CliError} where that is somebody who types */
async function pipedIn(give: (path: string) => Promise<string>): Promise<string> {
  if (process.stdin.isTTY) {
    const remedy = 'pipe something in, or use `cortex job exec -it` while the job runs'
    throw new CliError(`-i gives the job what is piped in, and nothing is: ${remedy}`, 125)
  }
  const folder = await mkdtemp(join(tmpdir(), 'cortex-stdin-'))
  try {
    const path = join(folder, 'stdin')
    const { stdin: piped } = process
    await pipeline(piped, createWriteStream(path, { mode: 0o600 }))
    return await give(path)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * Inputs with what they name.
 * @param give hands a file or folder of this machine over, and answers its digest
 * @throws {CliError} where something is not there
 */
async function givenInputs(
  flags: readonly InputFlag[],
  secrets: Readonly<Record<string, string>>,
  give: (path: string) => Promise<string>,
): Promise<Inputs> {
  const inputs: Inputs = []
  for (const flag of flags) {
    const from = fromElsewhere(flag, secrets)
    if (from !== null) {
      inputs.push(inputOf(flag, from))
      continue
    }
    const upload = await give(flag.source).catch((error: unknown) => {
      const { code } = error as NodeJS.ErrnoException
      if (code === undefined || !(code in WHY)) throw error
      throw new CliError(`--input: ${flag.source} ${WHY[code]}: give a file or folder of this machine`, 125, {
        cause: error,
      })
    })
    inputs.push(inputOf(flag, { upload }))
  }
  return inputs
}

/** Null where it names a file or folder of this machine. */
function fromElsewhere(
  { source }: InputFlag,
  secrets: Readonly<Record<string, string>>,
): Inputs[number]['from'] | null {
  const s3 = s3Flag('--input', source, secrets)
  if (s3 !== null) return { s3 }
  const [, repository, submodules, ref = ''] = OF_GIT.exec(source) ?? []
  if (repository !== undefined) {
    const token = GIT_TOKEN in secrets ? { token: { secret: GIT_TOKEN } } : {}
    return {
      git: {
        url: repository,
        ...(ref !== '' && { ref }),
        ...token,
        ...(submodules !== undefined && { submodules: true }),
      },
    }
  }
  if (/^https?:\/\//i.test(source)) {
    const [, url = source, sha256] = OF_A_DIGEST.exec(source) ?? []
    return sha256 === undefined ? { url } : { url, sha256: sha256.toLowerCase() }
  }
  const [, job, path = ''] = OF_A_JOB.exec(source) ?? []
  return job === undefined ? null : { job, ...(path === '' ? {} : { path }) }
}

function inputOf({ path, mode }: InputFlag, from: Inputs[number]['from']): Inputs[number] {
  return { path, from, ...(mode === 'rw' ? { mode } : {}) }
}
