/** Writes what Docker's API sends of a log, as seen on Docker 20.10. */

export type StreamName = 'stdout' | 'stderr'

/** One write of a container: any bytes, also parts of lines. */
export interface Output {
  stream: StreamName
  bytes: Buffer
}

/** Docker cuts longer lines into records of this many bytes. */
export const dockerRecordBytes = 16 * 1024

const kinds = { stdout: 1, stderr: 2 }

export function frame(stream: StreamName, timestamp: string, text: Buffer | string): Buffer {
  const payload = Buffer.concat([Buffer.from(`${timestamp} `), Buffer.from(text)])
  const header = Buffer.alloc(8)
  header[0] = kinds[stream]
  header.writeUInt32BE(payload.length, 4)
  return Buffer.concat([header, payload])
}

/** A timestamp `nanos` after a fixed second, as the engine writes it. */
export function timestamp(nanos: number): string {
  const seconds = 20 + Math.floor(nanos / 1e9)
  return `2026-11-23T21:55:${String(seconds).padStart(2, '0')}.${String(nanos % 1e9).padStart(9, '0')}Z`
}

/**
 * The log of a container that wrote `outputs` and ended: lines of one record end with a newline; of longer ones all
 * records carry the time of the first, and the last has its newline only with `json-file`.
 */
export function dockerLog(outputs: Output[], driver: 'local' | 'json-file'): Buffer {
  const records: Buffer[] = []
  const held: Record<StreamName, Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }
  let nanos = 0
  const line = (stream: StreamName, text: Buffer, terminated: boolean) => {
    nanos += 250_000
    const at = timestamp(nanos)
    let from = 0
    while (text.length - from >= dockerRecordBytes) {
      records.push(frame(stream, at, text.subarray(from, from + dockerRecordBytes)))
      from += dockerRecordBytes
    }
    const cut = from > 0
    const newline = terminated && !(cut && driver === 'local') ? '\n' : ''
    const last = Buffer.concat([text.subarray(from), Buffer.from(newline)])
    if (last.length > 0 || (cut && terminated)) records.push(frame(stream, at, last))
  }
  for (const { stream, bytes } of outputs) {
    let rest = Buffer.concat([held[stream], bytes])
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
      line(stream, rest.subarray(0, end), true)
      rest = rest.subarray(end + 1)
    }
    held[stream] = rest
  }
  for (const stream of ['stdout', 'stderr'] as const) if (held[stream].length > 0) line(stream, held[stream], false)
  return Buffer.concat(records)
}
