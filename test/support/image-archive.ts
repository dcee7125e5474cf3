/** Images as `docker save` and others write them, made of files. */

import { createHash } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { type Header, pack } from 'tar-stream'

/** Content by name, or a link to another name. */
export type Files = Record<string, string | Buffer | { link: string }>

export const hexOf = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** A tar of these. */
export async function tarOfFiles(files: Files, header: Partial<Header> = {}): Promise<Buffer> {
  const tar = pack()
  for (const [name, content] of Object.entries(files)) {
    const entry = { mode: 0o644, mtime: new Date(0), ...header, name }
    if (typeof content === 'string' || Buffer.isBuffer(content)) tar.entry(entry, content)
    else tar.entry({ ...entry, type: 'symlink', linkname: content.link })
  }
  tar.finalize()
  return await buffer(tar)
}

/** A configuration for such layers, none of them packed. */
export function configOf(layers: readonly Buffer[], more: Record<string, unknown> = {}): string {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  const diffIds = layers.map((layer) => `sha256:${hexOf(layer)}`)
  return JSON.stringify({
    ...{ architecture, os: 'linux', config: { Cmd: ['/bin/sh'], Env: ['PATH=/bin'] } },
    rootfs: { type: 'layers', diff_ids: diffIds },
    ...more,
  })
}

/** As Docker 20.10 saves it: a folder for each layer, those that are there twice as links. */
export async function dockerArchive(
  name: string,
  layers: readonly Buffer[],
  config = configOf(layers),
): Promise<Buffer> {
  const files: Files = {}
  const names = layers.map((layer, i) => {
    const path = `layer${i}/layer.tar`
    const same = layers.findIndex((other) => other.equals(layer))
    files[`layer${i}/VERSION`] = '1.0'
    files[path] = same < i ? { link: `../layer${same}/layer.tar` } : layer
    return path
  })
  const configName = `${hexOf(config)}.json`
  files[configName] = config
  files['manifest.json'] = JSON.stringify([{ Config: configName, RepoTags: [name], Layers: names }])
  return await tarOfFiles(files)
}

/** As `skopeo`, `buildah` and newer engines do: OCI's layout. */
export async function ociArchive(name: string, layers: readonly Buffer[], config = configOf(layers)): Promise<Buffer> {
  const files: Files = { 'oci-layout': '{"imageLayoutVersion":"1.0.0"}' }
  const put = (bytes: string | Buffer, mediaType: string) => {
    files[`blobs/sha256/${hexOf(bytes)}`] = bytes
    return { mediaType, digest: `sha256:${hexOf(bytes)}`, size: Buffer.byteLength(bytes) }
  }
  const manifest = JSON.stringify({
    schemaVersion: 2,
    config: put(config, 'application/vnd.oci.image.config.v1+json'),
    layers: layers.map((layer) => put(layer, 'application/vnd.oci.image.layer.v1.tar')),
  })
  const top = put(manifest, 'application/vnd.oci.image.manifest.v1+json')
  files['index.json'] = JSON.stringify({
    schemaVersion: 2,
    manifests: [{ ...top, annotations: { 'org.opencontainers.image.ref.name': name } }],
  })
  return await tarOfFiles(files)
}
