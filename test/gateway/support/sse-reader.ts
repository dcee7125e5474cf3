export interface ReadEvent {
  id: string | undefined
  event: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into data of every shape
  data: any
}

/** Reads server-sent events of a response one by one; comments are passed over. */
export async function* readEvents(response: Response): AsyncGenerator<ReadEvent> {
  if (response.body === null) throw new Error('The answer has no body')
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body) {
    text += decoder.decode(chunk, { stream: true })
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const event = parse(block)
      if (event !== null) yield event
    }
  }
}

function parse(block: string): ReadEvent | null {
  const fields = new Map(
    block.split('\n').flatMap((line) => {
      const at = line.indexOf(':')
      return at <= 0 ? [] : [[line.slice(0, at), line.slice(at + 1).trimStart()] as const]
    }),
  )
  const data = fields.get('data')
  if (data === undefined) return null
  return { id: fields.get('id'), event: fields.get('event') ?? 'message', data: JSON.parse(data) }
}
