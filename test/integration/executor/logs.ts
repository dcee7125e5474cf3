import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { LogLine } from '../../../provider-agent/engine/index.ts'
import type { TestBed } from './bed.ts'

/** Output comes out whole, numbered, once. */
export function logsTests(bed: TestBed): void {
  test('lines, streams and numbers', async () => {
    // The engine reads two pipes: what was written to both is in order only where the first was read before the second came.
    const heard = (times: number): string => `until [ $heard -ge ${times} ]; do sleep 0.02; done`
    const container = await bed.run(
      `heard=0; trap 'heard=$((heard + 1))' USR1
      echo a; ${heard(1)}; echo b >&2; ${heard(2)}; printf 'c\\n\\nd\\r\\nend'`,
    )
    const lines: LogLine[] = []
    for await (const batch of bed.engine.logs(container, 1)) {
      lines.push(...batch)
      const { line = '' } = batch.at(-1) ?? {}
      if (line === 'a' || line === 'b') await bed.docker.getContainer(container).kill({ signal: 'SIGUSR1' })
    }
    assert.deepEqual(await bed.readAll(container), lines, 'replayed')
    assert.deepEqual(
      lines.map(({ number, stream, line, partial }) => [number, stream, line, partial]),
      [
        [1, 'stdout', 'a', false],
        [2, 'stderr', 'b', false],
        [3, 'stdout', 'c', false],
        [4, 'stdout', '', false],
        [5, 'stdout', 'd\r', false],
        [6, 'stdout', 'end', true],
      ],
    )
    const times = lines.map(({ timestampMs }) => timestampMs)
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    )
    assert.ok(Math.abs(Date.now() - (times[0] as number)) < 600_000)
  })

  test('a program has a terminal to write to where that is asked for', async (t) => {
    const { Components: parts = [] } = (await bed.docker.version()) as { Components?: { Name: string }[] }
    const isPodman = parts.some(({ Name: name }) => name.startsWith('Podman'))
    if (isPodman) return t.skip('Podman gives no terminals: jobs that ask for one do not come here')
    const script = `[ -t 1 ] && [ -t 2 ] && echo terminal; echo error >&2; printf 'a\\nb\\rc\\n'
      head -c 40000 /dev/zero | tr '\\0' x; echo; printf end`
    const lines = await bed.outputOf(script, { tty: true })
    assert.deepEqual(
      lines.map(({ stream, line, partial }) => [stream, line, partial]),
      [
        ...['terminal', 'error', 'a', 'b\rc', 'x'.repeat(40_000)].map((line) => ['stdout', `${line}\r`, false]),
        ['stdout', 'end', true],
      ],
    )
  })

  test('long lines are split, characters are not', async () => {
    const lines = await bed.outputOf(
      `printf a; yes é | head -n 50000 | tr -d '\\n'; echo; echo b; yes c | head -n 32768 | tr -d '\\n'`,
    )
    const text = `a${'é'.repeat(50_000)}`
    assert.deepEqual(
      lines.map(({ partial }) => partial),
      [true, false, false, true],
    )
    assert.equal(`${lines[0]?.line}${lines[1]?.line}`, text)
    assert.equal(Buffer.byteLength(lines[0]?.line ?? ''), 65_535)
    assert.equal(lines[2]?.line, 'b')
    assert.equal(lines[3]?.line, 'c'.repeat(32_768))
  })

  test('bytes that are no UTF-8 are replaced in the text', async () => {
    const lines = await bed.outputOf(`printf 'x\\377\\376y\\n\\303\\n\\000\\033[1m\\n'`)
    assert.deepEqual(
      lines.map(({ line }) => line),
      ['x\ufffd\ufffdy', '\ufffd', '\u0000\u001b[1m'],
    )
  })

  const written: [string, string][] = [
    ['bytes of every value', `i=0; while [ $i -lt 256 ]; do printf "\\\\$(printf %03o $i)"; i=$((i+1)); done`],
    ['no newline at the end', `printf 'a\\r\\n\\nb'`],
    ['a newline behind a line of 20,000 bytes', `head -c 20000 /dev/zero; echo`],
    ['none behind one of 20,000', `head -c 20000 /dev/zero`],
    ['none behind one of exactly a record', `head -c 16384 /dev/zero`],
    ['a newline behind one of exactly a record', `head -c 16384 /dev/zero; echo`],
    ['lines of megabytes', `head -c 1500000 /dev/urandom > /tmp/a; cat /tmp/a; cd /tmp; tar c -f - a`],
  ]
  for (const [name, script] of written) {
    test(`entry 39: the same bytes come out: ${name}`, async (t) => {
      if (bed.lacks?.['whole-logs'] !== undefined) return t.skip(bed.lacks['whole-logs'])
      const lines = await bed.outputOf(`{ ${script}; } | tee /tmp/all; md5sum < /tmp/all >&2`)
      const own = lines.filter(({ stream }) => stream === 'stdout')
      const bytes = own.map((line) => [line.bytes ?? Buffer.from(line.line), Buffer.from(line.partial ? '' : '\n')])
      const sum = createHash('md5').update(Buffer.concat(bytes.flat())).digest('hex')
      assert.equal(`${sum}  -`, lines.find(({ stream }) => stream === 'stderr')?.line)
    })
  }

  test('100,000 lines, each once and in order', async (t) => {
    if (bed.lacks?.['whole-logs'] !== undefined) return t.skip(bed.lacks['whole-logs'])
    const lines = await bed.outputOf('seq 1 99999; printf 100000')
    assert.equal(lines.length, 100_000)
    const wrong = lines.findIndex(({ number, line }, i) => number !== i + 1 || line !== String(i + 1))
    assert.equal(wrong, -1)
  })

  test('a reader that is slower than the container has all of it', async (t) => {
    if (bed.lacks?.['whole-logs'] !== undefined) return t.skip(bed.lacks['whole-logs'])
    const container = await bed.run('seq 1 30000; printf end')
    const lines: LogLine[] = []
    for await (const batch of bed.engine.logs(container, 1)) {
      lines.push(...batch)
      await bed.engine.wait(container)
    }
    assert.equal(lines.length, 30_001)
    assert.equal(lines.at(-1)?.line, 'end')
    assert.equal(
      lines.findIndex(({ number }, i) => number !== i + 1),
      -1,
    )
  })

  test('reading goes on from any line', async () => {
    const lines = bed.lacks?.['whole-logs'] === undefined ? 2_000 : 200
    const container = await bed.run(`seq 1 ${lines}`)
    await bed.engine.wait(container)
    const all = await bed.readAll(container)
    assert.equal(all.length, lines)
    for (const fromLine of [1, 2, lines / 2, lines, lines + 1, 2 * lines]) {
      assert.deepEqual(await bed.readAll(container, fromLine), all.slice(fromLine - 1), `from ${fromLine}`)
    }
  })

  test('a log that lost lines since is refused', async () => {
    const container = await bed.run('seq 1 10')
    const last = (await bed.readAll(container)).at(-1) as LogLine
    assert.deepEqual(await bed.readAll(container, 11, { lastSeen: last }), [])
    const truncated = { code: 'ENGINE_ERROR', details: { reason: 'log-truncated' } }
    await assert.rejects(bed.readAll(container, 11, { lastSeen: { ...last, timestampMs: 1 } }), truncated)
    await assert.rejects(bed.readAll(container, 12, { lastSeen: { ...last, number: 11 } }), truncated)
  })

  test('output over the limit ends the log and not the container', async (t) => {
    if (bed.lacks?.['whole-logs'] !== undefined) return t.skip(bed.lacks['whole-logs'])
    const maxLogBytes = 100_000
    const own = bed.makeEngine({ maxLogBytes })
    const container = await bed.run('seq 1 5000; sleep 1; exit 4', {}, own)
    const lines: LogLine[] = []
    const reading = (async () => {
      for await (const batch of own.logs(container, 1)) lines.push(...batch)
    })()
    const tooLong = { code: 'RESOURCE_LIMIT_EXCEEDED', details: { resource: 'logs', limitBytes: maxLogBytes } }
    await assert.rejects(reading, tooLong)
    assert.ok(lines.length > 1_000 && lines.length < 5_000, String(lines.length))
    assert.equal((await own.wait(container)).exitCode, 4)
    const again: LogLine[] = []
    const replaying = (async () => {
      for await (const batch of own.logs(container, 1)) again.push(...batch)
    })()
    await assert.rejects(replaying, tooLong)
    assert.deepEqual(again, lines)
  })

  test('a container without output has an empty log', async () => {
    assert.deepEqual(await bed.outputOf('exit 0'), [])
  })
}
