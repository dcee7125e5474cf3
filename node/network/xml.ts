import type { XmlNode } from 'xml2js'
import type { OutsideAnswer } from './outside.ts'

/** An element without its attributes' meaning: its children by name; one without children is its text. */
export type XmlElement = XmlNode

/** How long an answer may take to its end, in ms. */
const READ_MS = 60_000
/** Letters that are parsed in one go: others have their turn between two. */
const CHUNK_LETTERS = 16 * 1024

/** The root element of an answer. @throws where it is larger, takes too long, ends before its end, or is no XML */
export async function readXml(answer: OutsideAnswer, maxBytes: number, withinMs = READ_MS): Promise<XmlElement> {
  const timer = setTimeout(() => answer.destroy(new Error('it did not come in time')), withinMs)
  try {
    return await rootOf(await readAll(answer, maxBytes))
  } finally {
    clearTimeout(timer)
  }
}

async function readAll(answer: OutsideAnswer, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new Error(`more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

async function rootOf(text: string): Promise<XmlElement> {
  const { parseStringPromise } = await import('xml2js')
  const whole = { async: true, chunkSize: CHUNK_LETTERS } as const
  // Spaces before it keep a connection alive while there is nothing to say.
  const [root] = Object.values((await parseStringPromise(text.trimStart(), whole)) ?? {})
  if (root === undefined) throw new Error('no element')
  return root
}

/** The text of a child; empty where there is none. */
export function textOf(element: XmlElement, child: string): string {
  const [found] = typeof element === 'string' ? [] : (element[child] ?? [])
  if (typeof found === 'string') return found
  const text: unknown = found?._
  return typeof text === 'string' ? text : ''
}

/** Its children of a name. */
export function childrenOf(element: XmlElement, name: string): XmlElement[] {
  return typeof element === 'string' ? [] : (element[name] ?? [])
}
