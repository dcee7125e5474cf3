import type { z } from 'zod'
import type { CortexClient } from '../../client/index.ts'
import type { Permission } from '../../contract/permissions.ts'
import type { Budget } from '../budget.ts'

/** What a tool works with, on behalf of one key. */
export interface ToolContext {
  client: CortexClient
  /** Null: no more than the gateway itself allows. */
  budget: Budget | null
  /** Ends what is waited for: the caller has gone, or the key behind it was ended. */
  signal: AbortSignal
}

/** What a tool answers, as JSON. */
export interface Answer {
  /** What containers, providers or files say: it is marked as data, and never mixed with what the gateway says. */
  untrusted?: Record<string, unknown>
  [fact: string]: unknown
}

/** One tool: everything that a model is told of it, and what it does. */
export interface Tool {
  name: string
  title: string
  /** For a model: when to use it, and what to do next. */
  description: string
  /** A key that lacks one of them is not shown the tool. */
  needs: readonly Permission[]
  input: z.ZodObject
  /** Whether it changes nothing. */
  reads: boolean
  /** Whether what it does cannot be taken back. */
  destroys: boolean
  /** @throws {CortexError} @throws {ToolError} of `../tool-error.ts` */
  call(args: unknown, context: ToolContext): Promise<Answer>
}

type ToolInit<S extends z.ZodObject> = Omit<Tool, 'input' | 'call' | 'reads' | 'destroys'> & {
  input: S
  reads?: true
  destroys?: true
  call(args: z.output<S>, context: ToolContext): Promise<Answer>
}

/** A tool whose arguments have been checked by its own schema before it is called. */
export function tool<S extends z.ZodObject>(init: ToolInit<S>): Tool {
  const { reads, destroys, call } = init
  return {
    ...init,
    reads: reads === true,
    destroys: destroys === true,
    call: async (args, context) => await call(args as z.output<S>, context),
  }
}
