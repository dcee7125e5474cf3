/** A piece of JSON, looked into by name. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }
type Node = Record<string, Json>

/** Fields of an operation whose entries each say what they are. */
const LISTS = ['parameters', 'responses', 'headers']

/**
 * Where an OpenAPI document does not say what a field is: the paths of all parameters, headers, bodies, answers, named
 * objects and properties, in order, that have no description. What is no more than a named object has that one's.
 */
export function undescribed(document: Json): { bare: string[]; looked: number } {
  const bare: string[] = []
  let looked = 0
  const named = nodeOf(nodeOf(nodeOf(document).components).schemas)

  function textOf(node: Node): string {
    const name = typeof node.$ref === 'string' ? node.$ref.split('/').at(-1) : undefined
    const own = typeof node.description === 'string' ? node.description.trim() : ''
    const others = Array.isArray(node.allOf) ? node.allOf : []
    return (
      own + others.map((one) => textOf(nodeOf(one))).join('') + (name === undefined ? '' : textOf(nodeOf(named[name])))
    )
  }

  function hold(node: Json, at: string): void {
    looked += 1
    if (textOf(nodeOf(node)) === '') bare.push(at)
  }

  function walk(node: Json, at: string): void {
    if (Array.isArray(node)) {
      for (const [i, one] of node.entries()) walk(one, `${at}/${i}`)
      return
    }
    for (const [key, value] of Object.entries(nodeOf(node))) {
      // Examples have fields of their own.
      if (key === 'example' || key === 'examples' || key === 'default') continue
      const here = `${at}/${key}`
      if (key === 'requestBody') hold(value, here)
      if (LISTS.includes(key) || key === 'properties' || here === '/components/schemas') {
        for (const [name, one] of Object.entries(value ?? {})) hold(one, `${here}/${nameOf(one) ?? name}`)
      }
      if (key === 'properties') for (const [name, one] of Object.entries(nodeOf(value))) walk(one, `${here}/${name}`)
      else walk(value, here)
    }
  }

  walk(document, '')
  return { bare, looked }
}

/** Of a parameter, which is in a list. */
function nameOf(node: Json): string | undefined {
  const { name, in: place } = nodeOf(node)
  return typeof name === 'string' && typeof place === 'string' ? name : undefined
}

function nodeOf(value: Json | undefined): Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
}
