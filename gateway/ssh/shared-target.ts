import type { ExecSession } from '../../node/reach/index.ts'
import { SshRefusedError } from '../../node/ssh/index.ts'
import type { JobTarget } from '../../node/ssh/reach-target.ts'
import { GatewayError } from '../http/errors.ts'

/** A job whose commands and connections count with what else its owner has open at the gateway. */
export interface SharedTarget extends JobTarget {
  /** Takes a place for something else. @returns how to give it back. @throws {SshRefusedError} where none is free */
  place(): () => void
  /** On whose behalf. */
  owner: string
}

/** @param take one place. @throws {GatewayError} where none is free */
export function sharedTarget(target: JobTarget, owner: string, take: () => () => void): SharedTarget {
  function place(): () => void {
    try {
      return take()
    } catch (error) {
      throw error instanceof GatewayError ? new SshRefusedError(error.message, { cause: error }) : error
    }
  }

  async function inPlace<T>(open: () => Promise<T>, until: (opened: T, giveBack: () => void) => T): Promise<T> {
    const giveBack = place()
    try {
      return until(await open(), giveBack)
    } catch (error) {
      giveBack()
      throw error
    }
  }

  return {
    ...{ place, owner },
    jobId: target.jobId,
    exec: async (request, signal) => await inPlace(async () => await target.exec(request, signal), untilEnd),
    tunnel: async (port, signal) =>
      await inPlace(
        async () => await target.tunnel(port, signal),
        (stream, giveBack) => {
          if (stream.destroyed) giveBack()
          return stream.once('close', giveBack)
        },
      ),
  }
}

function untilEnd(session: ExecSession, giveBack: () => void): ExecSession {
  return {
    ...session,
    async *output() {
      try {
        yield* session.output()
      } finally {
        giveBack()
      }
    },
    close() {
      session.close()
      giveBack()
    },
  }
}
