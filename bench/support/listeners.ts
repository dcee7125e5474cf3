import { Agent, type ClientRequest, get } from 'node:http'

export interface Listeners {
  /** Resolves when each has read so many lines. */
  all(lines: number): Promise<void>
  close(): void
}

/** So many connections that follow an event stream, each counting its lines; resolves when all are answered. */
export async function openListeners(url: string, key: string, count: number): Promise<Listeners> {
  const agent = new Agent({ keepAlive: false })
  const headers = { Authorization: `Bearer ${key}`, Accept: 'text/event-stream' }
  const counts: number[] = Array(count).fill(0)
  const requests: ClientRequest[] = []
  let wanted = Number.POSITIVE_INFINITY
  let reached = 0
  const done = Promise.withResolvers<void>()
  const open = (i: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const request = get(url, { agent, headers }, (response) => {
        let rest = ''
        response.setEncoding('utf8')
        response.on('data', (piece: string) => {
          const parts = (rest + piece).split('\n')
          rest = parts.pop() ?? ''
          const before = counts[i] ?? 0
          const now = before + parts.filter((part) => part.startsWith('data:') && part.includes('"line":')).length
          counts[i] = now
          if (before < wanted && now >= wanted) reached += 1
          if (reached === count) done.resolve()
        })
        response.on('error', () => undefined) // closed by us
        response.once('end', () => {
          const read = counts[i] ?? 0
          if (read < wanted) done.reject(new Error(`a stream ended after ${read} lines`))
        })
        if (response.statusCode === 200) resolve()
        else reject(new Error(`${url} was answered ${response.statusCode}`))
      })
      request.on('error', reject)
      requests.push(request)
    })
  // Not all at once: the kernel holds only so many that nobody has accepted yet.
  for (let i = 0; i < count; i += 100) {
    await Promise.all(Array.from({ length: Math.min(100, count - i) }, (_, k) => open(i + k)))
  }
  return {
    async all(lines) {
      wanted = lines
      reached = counts.filter((one) => one >= lines).length
      if (reached < count) await done.promise
    },
    close() {
      for (const request of requests) request.destroy()
      agent.destroy()
    },
  }
}
