import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { it } from 'node:test'
import { processOf } from '../../node/process-of.ts'

it('tells a process that runs from one that has ended', async () => {
  assert.equal(processOf(process.pid), 'own')
  const child = spawn(process.execPath, ['--eval', 'setInterval(() => {}, 1000)'])
  await once(child, 'spawn')
  assert.equal(processOf(child.pid ?? 0), 'own')
  child.kill('SIGKILL')
  await once(child, 'close')
  assert.equal(processOf(child.pid ?? 0), null)
})

it('tells another user’s process', {
  skip: process.getuid?.() !== 0 && 'only root can become another user',
}, async () => {
  const module = import.meta.resolve('../../node/process-of.ts')
  const child = spawn(process.execPath, [
    '--input-type=module',
    '--eval',
    `const m = await import(${JSON.stringify(module)}); process.setuid(65534); console.log(m.processOf(1))`,
  ])
  child.stdout.setEncoding('utf8')
  let said = ''
  child.stdout.on('data', (text: string) => {
    said += text
  })
  await once(child, 'close')
  assert.equal(said.trim(), 'foreign')
})
