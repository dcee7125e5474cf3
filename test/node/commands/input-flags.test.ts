import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Command } from 'commander'
import { givenSources } from '../../../node/commands/input-flags.ts'
import { inputFlags, type JobFlags, jobFlags, submissionOf } from '../../../node/commands/job-flags.ts'

const JOB = 'job_01k8m3q7w9x2v5n4c6b8d0f1g3'

it('--input names a file or folder of this machine, or what an earlier job left', async () => {
  const command = inputFlags(jobFlags(new Command()))
  const sources = ['./a:b:/data', `job:${JOB}:/all:rw`, `job:${JOB}/out/deep:/in`, `job:${JOB}/out/:/out`, './job:x:/x']
  command.parse(
    sources.flatMap((source) => ['--input', source]),
    { from: 'user' },
  )
  const flags = command.opts<JobFlags>()
  const given: string[] = []
  const { inputs } = await givenSources(flags, async (path) => {
    given.push(path)
    return `sha256:${path}`
  })
  assert.deepEqual(given, ['./a:b', './job:x'], 'nothing else is read')
  const left = [
    { path: '/all', from: { job: JOB }, mode: 'rw' },
    { path: '/in', from: { job: JOB, path: 'out/deep' } },
    { path: '/out', from: { job: JOB, path: 'out' } },
  ]
  assert.deepEqual(inputs, [
    { path: '/data', from: { upload: 'sha256:./a:b' } },
    ...left,
    { path: '/x', from: { upload: 'sha256:./job:x' } },
  ])
  const checked = submissionOf('busybox', [], flags)['inputs'] as typeof inputs
  assert.deepEqual(checked?.slice(1, 4), left, 'its id is checked before anything is read')
})
