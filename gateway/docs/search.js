// Search over the documentation, in the page itself: what is searched is fetched when somebody first looks.
import MiniSearch from './minisearch.js'

const MOST = 20
const AROUND = 60
/** Words of questions that every page has, or that say nothing of what is asked. */
const PASSED_OVER = new Set(
  'a an and are be by can do does for from how i if in is it me must my of on or the there to what when where which who why with'.split(
    ' ',
  ),
)
/** The reference but for a job's fields, and why it is built so, come behind what says how, where both have the words. */
const LESS = /^\/docs\/(?:reference\/(?!job$)|decisions\/|about\/)/

const query = document.getElementById('query')
const found = document.getElementById('found')
const count = document.getElementById('count')
const results = document.getElementById('results')

/** @type {Promise<MiniSearch> | undefined} */
let loading

async function load() {
  const response = await fetch('/docs/search.json')
  const sections = await response.json()
  const index = new MiniSearch({
    fields: ['heading', 'page', 'text'],
    storeFields: ['url', 'heading', 'page', 'text'],
    processTerm: (term) => (PASSED_OVER.has(term.toLowerCase()) ? null : term.toLowerCase()),
    searchOptions: {
      boostDocument: (_id, _term, { url }) => (LESS.test(url) ? 0.5 : 1),
      boost: { heading: 4, page: 2 },
      prefix: true,
      fuzzy: (term) => (term.length > 4 ? 0.2 : 0),
      combineWith: 'AND',
    },
  })
  const documents = sections.map(([url, heading, page, text], id) => ({ id, url, heading, page, text }))
  await index.addAllAsync(documents, { chunkSize: 100 })
  return index
}

/** Some words around the first place where one of the terms stands. */
function excerpt(text, terms) {
  const lower = text.toLowerCase()
  const places = terms.map((term) => lower.indexOf(term)).filter((place) => place >= 0)
  if (places.length === 0) return text.slice(0, 2 * AROUND)
  const from = Math.max(0, Math.min(...places) - AROUND)
  return `${from > 0 ? '…' : ''}${text.slice(from, from + 3 * AROUND)}`
}

function item({ url, heading, page, text, terms }) {
  const link = document.createElement('a')
  link.href = url
  const title = document.createElement('strong')
  title.textContent = heading === page ? page : `${page}: ${heading}`
  const words = document.createElement('span')
  words.textContent = excerpt(text, terms)
  link.append(title, words)
  const entry = document.createElement('li')
  entry.append(link)
  return entry
}

async function search() {
  const words = query.value.trim()
  if (words === '') return close()
  loading ??= load()
  const index = await loading
  if (query.value.trim() !== words) return // something else was typed meanwhile
  const all = index.search(words)
  const hits = all.length > 0 ? all : index.search(words, { combineWith: 'OR' })
  results.replaceChildren(...hits.slice(0, MOST).map(item))
  count.textContent = hits.length === 0 ? `Nothing is called ${words}` : `${hits.length} found`
  found.hidden = false
}

function close() {
  found.hidden = true
  results.replaceChildren()
  count.textContent = ''
}

/** From the field through the results, and back. */
function move(by) {
  const stops = [query, ...results.querySelectorAll('a')]
  const at = stops.indexOf(document.activeElement)
  stops[Math.min(stops.length - 1, Math.max(0, at + by))].focus()
}

query.addEventListener('input', () => void search())
query.addEventListener('focus', () => {
  loading ??= load()
})
document.addEventListener('keydown', (event) => {
  const inSearch = event.target === query || found.contains(event.target)
  if (event.key === '/' && !inSearch && !event.ctrlKey && !event.metaKey && !event.altKey) query.focus()
  else if (event.key === 'Escape' && inSearch) {
    query.value = ''
    close()
    query.focus()
  } else if (event.key === 'ArrowDown' && inSearch) move(1)
  else if (event.key === 'ArrowUp' && inSearch) move(-1)
  else if (event.key === 'Enter' && event.target === query) results.querySelector('a')?.click()
  else return
  event.preventDefault()
})
document.addEventListener('click', (event) => {
  if (!found.contains(event.target) && event.target !== query) close()
})
