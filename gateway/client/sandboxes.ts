import { ConnectionError, CortexError } from './errors.ts'
import { type ExecOutput, execWords, type SandboxCommand } from './exec.ts'
import type { FileContent } from './job-files.ts'
import type { jobCalls } from './jobs.ts'
import { type CallOptions, jobPath, type SubmitOptions } from './resource.ts'
import type { Transport } from './transport.ts'
import type { ContainerFile, ExecResult, Job, JobSubmission, PortLink, RemovedFile, WrittenFiles } from './types.ts'
import { SANDBOX_SECONDS, sandboxFields } from './waiting.ts'

/** A machine to work in: fields of a job, without what it runs. The image needs `sh`. */
export interface NewSandbox extends Omit<JobSubmission, 'command' | 'args' | 'duration'> {
  /** How long it lasts at most, in seconds. @default 1800 */
  ttl?: number
  /**
   * After how many whole seconds it ends in which nothing ran in it, give or take ten; files that are read and written do
   * not count. 0 is never.
   * @default never
   */
  idle?: number
}

/** A machine that runs, and waits for commands. */
export interface Sandbox {
  /** Of its job, by which `client.jobs` has all else. */
  readonly id: string
  /** Runs a command to its end, of text by `sh -c`; of each stream the first MiB. @param options.timeout in seconds. @default 60 */
  exec(
    command: string | readonly string[],
    options?: SandboxCommand & CallOptions & { timeout?: number },
  ): Promise<ExecResult>
  /** Runs a command and tells what it writes as it comes, `exit` last; leaving the loop lets go of it. */
  stream(command: string | readonly string[], options?: SandboxCommand & CallOptions): AsyncGenerator<ExecOutput>
  readonly files: SandboxFiles
  /** One of the `ports` that it was made with. */
  port(port: number): SandboxPort
  /** Adds seconds to how long it lasts. */
  extend(seconds: number, options?: CallOptions): Promise<Job>
  /** Ends it, with all that is in it; it may have ended before. */
  stop(options?: CallOptions): Promise<void>
}

/** Its files; paths are absolute. For large ones see `client.jobs.files`. */
export interface SandboxFiles {
  /** A file, all of it in memory. */
  read(path: string, options?: CallOptions): Promise<Uint8Array>
  /** The same as text. */
  text(path: string, options?: CallOptions): Promise<string>
  /** Writes a file, in folders that are made where they are missing. @param options.mode permission bits */
  write(path: string, content: FileContent, options?: CallOptions & { mode?: number }): Promise<WrittenFiles>
  /** What is in a folder, all of it. */
  list(path: string, options?: CallOptions): Promise<ContainerFile[]>
  /** @param options.recursive whether a folder goes with all that is in it. @default false */
  remove(path: string, options?: CallOptions & { recursive?: boolean }): Promise<RemovedFile>
}

/** Something that listens in it. */
export interface SandboxPort {
  /** Where programs reach it by HTTP and WebSocket, with the key: what stands behind it is the path there. */
  readonly url: string
  /** What lets them in. */
  readonly headers: Record<string, string>
  /** A link that opens it in a browser, once and within a minute. */
  link(options?: CallOptions & { path?: string }): Promise<PortLink>
}

/** `client.sandboxes` */
export function sandboxCalls(transport: Transport, jobs: ReturnType<typeof jobCalls>) {
  function sandbox(id: string): Sandbox {
    const { files } = jobs
    return {
      id,
      exec: async (command, { cwd, env, ...options } = {}) =>
        await jobs.exec(id, execWords(command, { cwd, env }), options),
      stream: (command, { cwd, env, ...options } = {}) =>
        jobs.execStream(id, execWords(command, { cwd, env }), options),
      files: {
        read: async (path, options = {}) =>
          new Uint8Array(await new Response(await files.read(id, path, options)).arrayBuffer()),
        text: async (path, options = {}) => await new Response(await files.read(id, path, options)).text(),
        write: async (path, content, options = {}) => await files.write(id, path, content, options),
        async list(path, options = {}) {
          const entries: ContainerFile[] = []
          for await (const entry of files.all(id, path, options)) entries.push(entry)
          return entries
        },
        remove: async (path, options = {}) => await files.remove(id, path, options),
      },
      port: (port) => ({
        ...transport.address({ path: jobPath(id, `/proxy/${port}/`) }),
        link: async (options = {}) => await jobs.link(id, port, options),
      }),
      extend: async (seconds, options = {}) => await jobs.extend(id, seconds, options),
      async stop(options = {}) {
        try {
          await jobs.cancel(id, options)
        } catch (error) {
          if (!(error instanceof CortexError) || error.code !== 'JOB_STATE_CONFLICT') throw error
        }
      },
    }
  }

  /** Resolves when it runs. @param isNew whether it cannot have ended since. @throws {CortexError} where it ends before */
  async function started(id: string, options: CallOptions, isNew: boolean): Promise<void> {
    for await (const { type } of jobs.events(id, { follow: true, ...options })) {
      if (type !== 'started') continue
      if (isNew || (await jobs.get(id, options)).status === 'running') return
    }
    const job = await jobs.get(id, options)
    const message = `The sandbox does not run (${job.status}): ${job.error?.message ?? 'nothing went wrong'}`
    throw new CortexError({ code: 'JOB_STATE_CONFLICT', message, details: { job } })
  }

  return {
    /**
     * A machine that runs, to be stopped by whoever made it; it costs until then, at most for its `ttl`.
     * @example
     * const box = await client.sandboxes.create({ image: 'python:3.12-slim', ttl: 600 })
     * const { stdout } = await box.exec(['python', '-c', 'print(6 * 7)'])
     * await box.stop()
     */
    async create(
      { ttl = SANDBOX_SECONDS, idle, ...fields }: NewSandbox,
      options: SubmitOptions = {},
    ): Promise<Sandbox> {
      const { command, args, ...defaults } = sandboxFields(idle)
      const { id } = await jobs.submit({ ...defaults, ...fields, duration: ttl, command, args }, options)
      const box = sandbox(id)
      const isOurs = options.idempotencyKey === undefined
      try {
        await started(id, { signal: options.signal }, isOurs)
        return box
      } catch (error) {
        // Who made the key asks for the same one again; else nobody knows of it.
        if (isOurs) await box.stop().catch((cause: unknown) => throwLost(id, new AggregateError([error, cause])))
        throw error
      }
    },
    /** One that runs already. @throws {CortexError} where there is none */
    async get(id: string, options: CallOptions = {}): Promise<Sandbox> {
      const job = await jobs.get(id, options)
      return sandbox(job.id)
    },
  }
}

function throwLost(jobId: string, cause: AggregateError): never {
  const message = `The sandbox did not start, and may run yet: cancel the job ${jobId}`
  throw new ConnectionError({ code: 'CONNECTION_FAILED', message, details: { jobId }, cause })
}
