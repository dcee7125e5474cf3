/** Platforms as people and registries write them, `linux/arm64`, and which of them an engine runs. */

/** Of the text of one. */
export const MAX_PLATFORM_LENGTH = 64
/** That an announcement or a request lists. */
export const MAX_PLATFORMS = 32

/** Two or three words. */
export const PLATFORM = /^[a-z0-9]+\/[a-z0-9_]+(\/[a-z0-9.]+)?$/

/** Whether this could be a platform’s name. */
export function isPlatform(text: string): boolean {
  return text.length <= MAX_PLATFORM_LENGTH && PLATFORM.test(text)
}

/** `linux/arm` of `linux/arm/v7`: configurations of images often leave out the rest. @param platform in any spelling */
export function architectureOf(platform: string): string {
  return plainPlatform(platform).split('/').slice(0, 2).join('/')
}

/** Other names of architectures, as kernels and people have them. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  'x86-64': 'amd64',
  aarch64: 'arm64',
  i386: '386',
  i686: '386',
  armhf: 'arm/v7',
  armel: 'arm/v6',
  armv7l: 'arm/v7',
}

/**
 * One way to write it, so that the same platforms are the same text: `linux/aarch64` and `linux/arm64/v8` become
 * `linux/arm64`, `linux/arm` becomes `linux/arm/v7`. Versions of amd64 are left out: what a processor lacks of one, its
 * engine does not tell.
 */
export function plainPlatform(platform: string): string {
  const [os = '', name = '', version] = platform.toLowerCase().split('/')
  const [architecture = '', own] = (OTHER_NAMES[name] ?? name).split('/')
  const variant = version ?? own
  if (architecture === 'amd64' || (architecture === 'arm64' && variant === 'v8')) return `${os}/${architecture}`
  if (architecture === 'arm') return `${os}/arm/${variant ?? 'v7'}`
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join('/')
}

/** What else a processor runs by itself. */
const ALSO: Readonly<Record<string, readonly string[]>> = {
  'linux/amd64': ['linux/386'],
  'linux/arm64': ['linux/arm/v7', 'linux/arm/v6', 'linux/arm/v5'],
  'linux/arm/v7': ['linux/arm/v6', 'linux/arm/v5'],
  'linux/arm/v6': ['linux/arm/v5'],
}

/** All that an engine for such images runs without emulation, its own first. @param platform in any spelling */
export function nativePlatforms(platform: string): string[] {
  const own = plainPlatform(platform)
  return [own, ...(ALSO[own] ?? [])]
}

/** What a machine runs. */
export interface Running {
  /** By itself, the best first. */
  platforms: readonly string[]
  /** By emulation, which its owner set up. */
  emulatedPlatforms: readonly string[]
}

/** How a machine would run something. */
export interface RunsAs {
  platform: string
  emulated: boolean
}

/**
 * As what a machine runs an image that is for these platforms: the best that it does by itself, else by emulation. Null
 * where it runs none of them.
 *
 * @param wanted as {@link plainPlatform} writes them, or none where any will do
 */
export function runsAs({ platforms, emulatedPlatforms }: Running, wanted: readonly string[]): RunsAs | null {
  const among = (names: readonly string[]): string | undefined =>
    names.find((name) => wanted.length === 0 || wanted.includes(name))
  const native = among(platforms)
  if (native !== undefined) return { platform: native, emulated: false }
  const emulated = wanted.length === 0 ? undefined : among(emulatedPlatforms)
  return emulated === undefined ? null : { platform: emulated, emulated: true }
}

/** What a registry said of a job's image, once for all of its attempts. */
export interface ResolvedImage {
  /** `sha256:…` of its manifest, or of the index of all its platforms. */
  digest: string
  /** As {@link plainPlatform} writes them; none where that was not found out. */
  platforms: string[]
  /** What its layers take as its registry sends them, for one of its platforms; absent where that was not found out. */
  bytes?: number
}

const DIGEST = /^sha256:[0-9a-f]{64}$/

/** Whether this is a digest as registries write them. */
export function isImageDigest(text: string): boolean {
  return DIGEST.test(text)
}

/** What a job asks of a platform: the one that it names, else any that its image is for; none is any. */
export function platformsAsked({ platform }: { platform?: string | undefined }, image: ResolvedImage | null): string[] {
  if (platform !== undefined) return [plainPlatform(platform)]
  return image === null ? [] : image.platforms.slice(0, MAX_PLATFORMS)
}
