import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type Docker from 'dockerode'
import { endExec } from '../../../provider-agent/engine/end-command.ts'

/** What the engine says of a command, one answer after the other; `asked` counts them. */
function execThatSays(...answers: Pick<Docker.ExecInspectInfo, 'Running' | 'ExitCode' | 'Pid'>[]) {
  const said = { asked: 0 }
  const inspect = async (): Promise<Docker.ExecInspectInfo> => {
    const answer = answers[said.asked]
    said.asked += 1
    if (answer === undefined) throw new Error('asked once too often')
    return { ...answer, ContainerID: 'a container of another machine' } as Docker.ExecInspectInfo
  }
  return { said, exec: { inspect } as Pick<Docker.Exec, 'inspect'> }
}

describe('ending a command', () => {
  it('waits until the engine knows its process: it answers before the command has begun', async () => {
    const { exec, said } = execThatSays(
      { Running: false, ExitCode: null, Pid: 0 },
      { Running: true, ExitCode: null, Pid: 0 },
      // Of no container here, so that nobody is sent a signal.
      { Running: true, ExitCode: null, Pid: process.pid },
    )
    await endExec(exec)
    assert.equal(said.asked, 3)
  })

  it('leaves one alone that has ended', async () => {
    const { exec, said } = execThatSays({ Running: false, ExitCode: 0, Pid: 0 })
    await endExec(exec)
    assert.equal(said.asked, 1)
  })

  it('says so where the engine does', async () => {
    const { exec } = execThatSays()
    await assert.rejects(endExec(exec), /asked once too often/)
  })
})
