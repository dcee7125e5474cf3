import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../../../node/clock.ts'
import type { FileAction, JobFile, JobFiles } from '../../../../node/reach/index.ts'
import { createSftpFiles, type SftpFilesComponents } from '../../../../node/ssh/sftp/container-files.ts'
import { SftpError, Status } from '../../../../node/ssh/sftp/index.ts'

const FILE: JobFile = { name: 'file', type: 'file', size: 1, mode: 0o644, mtimeMs: 0, target: '' }

test('what a provider can do is asked once of each lease', async () => {
  const { signal } = new AbortController()
  const lease = { provider: 'new', fence: 1 }
  const asked: string[] = []
  const files = {
    async look(_id: string, path: string) {
      asked.push(`${lease.provider} ${lease.fence} ${path}`)
      const actions: FileAction[] = lease.provider === 'old' ? [] : ['move']
      return { file: FILE, entries: [], total: 0, more: false, incomplete: false, actions }
    },
    move: async () => undefined,
  } as unknown as JobFiles
  const store = {
    get: async () => ({ state: { status: 'running', lease } }),
  } as unknown as SftpFilesComponents['store']
  const sftp = createSftpFiles({ files, store, clock: systemClock }, 'job_1')
  const move = async (): Promise<void> => await sftp.move('/a', '/b', { replace: false }, signal)
  await move()
  await move()
  lease.provider = 'old'
  const isRefused = (error: unknown): boolean => error instanceof SftpError && error.status === Status.unsupported
  await assert.rejects(move(), isRefused)
  Object.assign(lease, { provider: 'new', fence: 3 })
  await move()
  assert.deepEqual(asked, ['new 1 /', 'old 1 /', 'new 3 /'])
})
