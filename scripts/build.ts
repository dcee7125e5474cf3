/**
 * Makes `dist/`, what the npm package holds: JavaScript and declarations, since Node strips no types under node_modules, and
 * of the program few files (`bundle.ts`). Everything else in the folders (the generated wire code, its `.proto` files) is
 * copied as it is. Then `dist-client/`, the package of the client alone. `node scripts/build.ts FOLDER` makes the first alone,
 * there.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const elsewhere = process.argv[2]
const dist = elsewhere ?? join(root, 'dist')
const dashboard = join(root, 'gateway', 'dashboard')
const project = join(root, 'tsconfig.build.json')
const { include: folders } = JSON.parse(readFileSync(project, 'utf8')) as { include: string[] }

for (const script of ['dashboard.mjs', 'docs-site.mjs']) {
  execFileSync(process.execPath, [join(root, 'scripts', script)], { stdio: 'inherit' })
}
rmSync(dist, { recursive: true, force: true })
execFileSync(join(root, 'node_modules', '.bin', 'tsc'), ['-p', project, '--outDir', dist], { stdio: 'inherit' })
for (const folder of folders) {
  cpSync(join(root, folder), join(dist, folder), { recursive: true, filter: isPublished })
}
execFileSync(process.execPath, [join(root, 'scripts', 'bundle.ts'), dist], { stdio: 'inherit' })

if (elsewhere === undefined) {
  execFileSync(process.execPath, [join(root, 'scripts', 'client-package.ts')], { stdio: 'inherit' })
}

function isPublished(path: string): boolean {
  return path.startsWith(dashboard) ? path.startsWith(join(dashboard, 'dist')) || path === dashboard : !isSource(path)
}

function isSource(path: string): boolean {
  return /\.tsx?$/.test(path) && !path.endsWith('.d.ts')
}
