// Builds the documentation as pages into gateway/docs/dist: `node scripts/docs-site.mjs`, which npm runs as `prepare`.
//
// Plain JavaScript, because npm may run it on the Node found on the machine. Where its tools are missing, as after
// `npm ci --omit=dev`, it says so: the gateway then has no documentation. No large generator: VitePress 1.6 brings 102 MB
// and a second Vite, takes 15 s where this takes one, and its pages have inline scripts, which the policy of the gateway's
// pages forbids; the search of Starlight is WebAssembly, which it forbids as well (November 2026).
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, extname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const root = fileURLToPath(new URL('..', import.meta.url))
const docs = join(root, 'docs')
const own = join(root, 'gateway', 'docs')
const dist = join(own, 'dist')
/** Beside those of `docs/`; their links to each other hold on the pages as well. */
const outside = ['README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'CODE_OF_CONDUCT.md']
/** Below them headings are searched, and not the text: there are many, and whoever asks how has no use for them. */
const byHeading = 'decisions/'

/** @param {string} text as GitHub makes it, so that links work in both places */
const slugOf = (text) =>
  text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-')

/** @param {string} text */
const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')

async function loadTools() {
  try {
    const [{ default: MarkdownIt }, minisearch] = await Promise.all([
      import('markdown-it'),
      import.meta.resolve('minisearch'),
    ])
    return { MarkdownIt, minisearch: join(dirname(fileURLToPath(minisearch)), 'index.js') }
  } catch (error) {
    if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error
    return null
  }
}

/** @param {string} path of a Markdown file, below `docs/` or `../` from there @returns below `/docs/` */
function pageAt(path) {
  const name = path.startsWith('../') ? `about/${path.slice(3).toLowerCase()}` : path
  return name.replace(/(^|\/)README\.md$/, '$1index.html').replace(/\.md$/, '.html')
}

/** @param {string} path of a file, as above @returns where a browser opens it */
function urlOf(path) {
  return `/docs/${pageAt(path)
    .replace(/(^|\/)index\.html$/, '$1')
    .replace(/\.html$/, '')}`
}

/** Every page and what else it shows, by its path from `docs/`. */
function filesOfDocs() {
  const names = readdirSync(docs, { recursive: true, encoding: 'utf8' }).map((name) => name.replaceAll('\\', '/'))
  const there = names.filter((name) => statSync(join(docs, name)).isFile()).sort()
  return [...there, ...outside.map((name) => `../${name}`)]
}

/** @param {any} MarkdownIt */
function createMarkdown(MarkdownIt) {
  const markdown = new MarkdownIt({ html: false, linkify: false })
  const { renderer } = markdown
  // What is wider than a page scrolls by itself, by keyboard as well.
  renderer.rules.table_open = (_tokens, _at, _options, env) => {
    env.tables += 1
    return `<div class="wide" role="region" tabindex="0" aria-label="Table ${env.tables}"><table>`
  }
  renderer.rules.table_close = () => '</table></div>'
  // A drawing that only GitHub draws.
  renderer.rules.fence = (tokens, at) =>
    tokens[at].info === 'mermaid' ? '' : `<pre tabindex="0"><code>${escaped(tokens[at].content)}</code></pre>\n`
  renderer.rules.heading_open = (tokens, at) => `<${tokens[at].tag} id="${tokens[at].attrGet('id')}">`
  renderer.rules.link_open = (tokens, at, options, env, self) => {
    const to = linkOf(tokens[at].attrGet('href') ?? '', env)
    // What has no page here is named, and not linked to.
    if (to === null) tokens[at].tag = 'span'
    tokens[at].attrs = to === null ? null : [['href', to]]
    const close = tokens.slice(at).find(({ type }) => type === 'link_close')
    if (close !== undefined) close.tag = tokens[at].tag
    return self.renderToken(tokens, at, options)
  }
  renderer.rules.image = (tokens, at, _options, env) =>
    `<img src="${escaped(linkOf(tokens[at].attrGet('src') ?? '', env) ?? '')}" alt="${escaped(tokens[at].content)}">`
  return markdown
}

/** A link of a Markdown file as a link of its page; null where it leads to what is no page, as a file of the source. */
function linkOf(href, { path, paths }) {
  if (/^(?:[a-z]+:|#|\/)/.test(href)) return href
  const [to = '', anchor] = href.split('#')
  const target = posix
    .join(posix.dirname(path), to)
    .replace(/^docs\//, '')
    .replace('../docs/', '')
  const file = paths.has(target) ? target : posix.join(target, 'README.md')
  if (!paths.has(file)) return null
  return anchor === undefined ? urlOf(file) : `${urlOf(file)}#${anchor}`
}

/** Tokens of a page, its headings with ids, and its sections as they are searched. */
function readPage(markdown, path, text) {
  const tokens = markdown.parse(text, { path })
  const taken = new Map()
  const sections = []
  for (const [at, token] of tokens.entries()) {
    const inline = tokens[at + 1]
    if (token.type === 'heading_open' && inline !== undefined) {
      const title = plainText(inline)
      const slug = slugOf(title)
      const times = taken.get(slug) ?? 0
      taken.set(slug, times + 1)
      const id = times === 0 ? slug : `${slug}-${times}`
      token.attrSet('id', id)
      sections.push({ id, title, level: Number(token.tag.slice(1)), text: [] })
    } else if (['inline', 'fence', 'code_block'].includes(token.type) && tokens[at - 1]?.type !== 'heading_open') {
      sections.at(-1)?.text.push(token.type === 'inline' ? plainText(token) : token.content)
    }
  }
  return { tokens, sections, title: sections[0]?.title ?? path }
}

function plainText(inline) {
  return (inline.children ?? [])
    .map(({ type, content }) => (['text', 'code_inline', 'image'].includes(type) ? content : ' '))
    .join('')
    .trim()
}

/** The lists of the first page are where everything is found: each page has them beside it. */
function navigation(markdown, paths, current) {
  const tokens = markdown.parse(readFileSync(join(docs, 'README.md'), 'utf8'), {})
  const from = tokens.findIndex(({ type, tag }) => type === 'heading_open' && tag === 'h2')
  const list = tokens.slice(from)
  for (const token of list) if (token.type === 'heading_open') token.attrSet('id', '')
  const html = markdown.renderer
    .render(list, markdown.options, { path: 'README.md', paths, tables: 0 })
    .replaceAll(/<h2 id="">(.*?)<\/h2>/g, '<p class="group">$1</p>')
  return html.replace(`href="${current}"`, `href="${current}" aria-current="page"`)
}

function outline(sections) {
  const shown = sections.filter(({ level }) => level === 2)
  if (shown.length < 3) return ''
  const items = shown.map(({ id, title }) => `<li><a href="#${id}">${escaped(title)}</a></li>`).join('')
  return `<nav class="outline" aria-label="On this page"><details><summary>On this page</summary><ul>${items}</ul></details></nav>`
}

function pageHtml({ title, nav, body, toc }) {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)} – Cortex</title>
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/docs/style.css">
<script type="module" src="/docs/search.js"></script>
</head>
<body>
<a class="skip" href="#content">To the content</a>
<header>
<a class="home" href="/docs/">Cortex documentation</a>
<search>
<input id="query" type="search" placeholder="Search ( / )" aria-label="Search the documentation" autocomplete="off">
<div id="found" hidden><p id="count" role="status"></p><ul id="results"></ul></div>
</search>
<a href="/">Dashboard</a>
<a class="to-contents" href="#contents">Contents</a>
</header>
<div class="columns">
<main id="content" tabindex="-1">
${toc}
${body}</main>
<nav id="contents" class="contents" aria-label="Contents">
${nav}</nav>
</div>
</body>
</html>
`
}

/**
 * What a language model reads first (llmstxt.org): the lists of the first page, each page with its first paragraph, and
 * where it is as Markdown. Background comes last, as what may be left out.
 * @param {Map<string, string>} beginnings first paragraphs, by the path of the page @returns {{ text: string, pages: string[] }}
 */
function forModels(beginnings) {
  const readme = readFileSync(join(docs, 'README.md'), 'utf8')
  const about = readme.split('\n\n')[1]?.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1') ?? ''
  const pages = []
  const lists = readme.slice(readme.indexOf('\n## ') + 1).replace('## Background', '## Optional')
  const text = lists.replaceAll(/^- \[(.*?)\]\((.*?)\)$/gm, (line, title, to) => {
    const path = posix.join('.', to)
    if (!beginnings.has(path)) return line
    pages.push(path)
    const said = beginnings.get(path) ?? ''
    return `- [${title}](/docs/${pathOfSource(path)})${said === '' ? '' : `: ${said}`}`
  })
  const tools =
    'Agents have tools: `cortex mcp` over standard input and output, and `POST /mcp` of a gateway over HTTP, by the Model Context Protocol; see [Tools for agents](/docs/guides/agents.md). The API describes itself at `/api/v1/openapi.json`.'
  return { text: `# Cortex node\n\n> ${about}\n\n${tools}\n\n${text}`, pages }
}

/** Where a page is as Markdown, below `/docs/`. @param {string} path as above */
function pathOfSource(path) {
  return path.startsWith('../') ? `about/${path.slice(3).toLowerCase()}` : path
}

/** @param {any[]} tokens of a page @returns the first sentence of its first paragraph, or the beginning of that */
function beginningOf(tokens) {
  const at = tokens.findIndex(({ type, level }) => type === 'paragraph_open' && level === 0)
  const words =
    tokens[at + 1]?.children?.map(({ type, content }) => (/break$/.test(type) ? ' ' : content)).join('') ?? ''
  const sentence = /^.{20,200}?[.:](?= |$)/.exec(words)?.[0] ?? words.slice(0, 200)
  return sentence.replace(/:$/, '.')
}

function write(path, content) {
  const file = join(dist, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
  const packed = gzipSync(content, { level: 9 })
  if (packed.length < content.length * 0.9) writeFileSync(`${file}.gz`, packed)
}

function build({ MarkdownIt, minisearch }) {
  rmSync(dist, { recursive: true, force: true })
  const files = filesOfDocs()
  const paths = new Set(files)
  const markdown = createMarkdown(MarkdownIt)
  const searched = []
  const beginnings = new Map()
  for (const path of files) {
    if (extname(path) !== '.md') {
      mkdirSync(dirname(join(dist, path)), { recursive: true })
      copyFileSync(join(docs, path), join(dist, path))
      continue
    }
    const { tokens, sections, title } = readPage(markdown, path, readFileSync(join(docs, path), 'utf8'))
    beginnings.set(path, beginningOf(tokens))
    const url = urlOf(path)
    const body = markdown.renderer.render(tokens, markdown.options, { path, paths, tables: 0 })
    write(pageAt(path), pageHtml({ title, nav: navigation(markdown, paths, url), body, toc: outline(sections) }))
    for (const { id, title: heading, level, text } of sections) {
      const kept = path.startsWith(byHeading) ? '' : text.join(' ').replaceAll(/\s+/g, ' ')
      searched.push([level === 1 ? url : `${url}#${id}`, heading, title, kept])
    }
  }
  const { text, pages } = forModels(beginnings)
  write('llms.txt', text)
  for (const path of pages) write(pathOfSource(path), readFileSync(join(docs, path), 'utf8'))
  write('search.json', JSON.stringify(searched))
  write('minisearch.js', readFileSync(minisearch, 'utf8').replace(/^\/\/# sourceMappingURL.*$/m, ''))
  for (const name of ['style.css', 'search.js']) write(name, readFileSync(join(own, name), 'utf8'))
}

const tools = await loadTools()
if (tools !== null) build(tools)
else if (!existsSync(dist)) {
  process.stderr.write(
    'The documentation is not built: its tools are not installed. `npm ci --include=dev` brings them.\n',
  )
}
