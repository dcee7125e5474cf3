/** Bytes of inputs that a gateway sends; see {@link createCounter}. */
export interface Counter {
  /** From here on, or again after the gateway was started again. */
  begin(): Promise<void>
  /** Before the gateway ends. */
  note(): Promise<void>
  /** All since the first {@link Counter.begin}. */
  end(): Promise<number>
}

/** What the gateway has sent of inputs, over its restarts, in bytes. */
export function createCounter({ url }: { url: string }): Counter {
  let [before, sum, last] = [0, 0, -1]
  async function now(): Promise<number> {
    const text = await (await fetch(`${url}/metrics`)).text()
    const lines = text
      .split('\n')
      .filter(
        (line) =>
          line.startsWith('libp2p_data_transfer_bytes_total') &&
          line.includes('/cortex/input/') &&
          line.includes('sent'),
      )
    return lines.reduce((bytes, line) => bytes + Number(line.split(' ').at(-1)), 0)
  }
  return {
    async begin() {
      const bytes = await now()
      if (last === -1) before = bytes
      // It began again at nothing.
      else if (bytes < last) sum += last
      last = bytes
    },
    async note() {
      last = await now()
    },
    async end() {
      const bytes = await now()
      if (bytes < last) sum += last
      return sum + bytes - before
    },
  }
}
