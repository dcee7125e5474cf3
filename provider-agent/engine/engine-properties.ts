import type Docker from 'dockerode'
import { type Abort, askEngine } from './ask-engine.ts'
import type { AbortOptions, EngineInfo, GpuDriver } from './index.ts'

/** What the engine is and can, as far as it decides how containers are made. */
export interface EngineProperties {
  info: EngineInfo
  /** Whether it has an init to put in front of a container's program. */
  hasInit: boolean
  /** Whether it has the log driver that keeps output byte for byte. */
  hasLocalLogs: boolean
  /** Podman behind Docker's API; see docs/decisions/0016-podman.md. */
  isPodman: boolean
  /** Whether systemd makes its control groups. */
  bySystemd: boolean
  /** Whether it runs without root, in a network of its own. */
  isRootless: boolean
  /** Whether it takes an image without the layers that it has. */
  sharesLayers: boolean
  /** Names of the sandboxes that it offers. */
  runtimes: string[]
}

/** As every engine tells it, down to the nanosecond. */
interface Timed {
  SystemTime: string
}

/** The fields of the engine's `info` that are read here; dockerode's types lack some. */
interface RawInfo {
  ServerVersion: string
  NCPU: number
  MemTotal: number
  DockerRootDir: string
  Driver: string
  Architecture: string
  CgroupVersion?: string
  CgroupDriver?: string
  InitCommit?: { ID: string }
  Plugins?: { Log?: string[] }
  SecurityOptions?: string[] | null
  /** Podman's alone. */
  BuildahVersion?: string
  Runtimes?: Record<string, unknown> | null
  DriverStatus?: [string, string][] | null
  LiveRestoreEnabled?: boolean
  /** Since Docker 28.2. */
  DiscoveredDevices?: { Source: string; ID: string }[] | null
}

/** Docker's (Go's) names for what the kernel calls the architecture; others are the same. */
const architectures: Record<string, string> = { x86_64: 'amd64', aarch64: 'arm64', armv7l: 'arm', i686: '386' }

/** Asks the engine. Rejects with EngineError `ENGINE_UNAVAILABLE` when it is gone. */
export async function readProperties(docker: Docker, { signal }: AbortOptions = {}): Promise<EngineProperties> {
  return toProperties(await askEngine('asking the engine what it is', signal, (abort) => readInfo(docker, abort)))
}

/** What its clock says, in ms since the epoch. */
export async function readEngineTime(docker: Docker, abort: Abort): Promise<number> {
  return Date.parse((await readInfo(docker, abort)).SystemTime)
}

/** dockerode takes options here too; its types do not know. */
async function readInfo(docker: Docker, abort: Abort): Promise<RawInfo & Timed> {
  const ask = docker.info.bind(docker) as (options: Abort) => Promise<RawInfo & Timed>
  return await ask(abort)
}

/** Of the engine's answer to `info`; pure. */
export function toProperties(raw: RawInfo): EngineProperties {
  return {
    info: {
      version: raw.ServerVersion,
      cpuMillis: raw.NCPU * 1_000,
      memoryBytes: raw.MemTotal,
      dataRoot: raw.DockerRootDir,
      storageDriver: raw.Driver,
      architecture: architectures[raw.Architecture] ?? raw.Architecture,
      cgroupVersion: raw.CgroupVersion === '2' ? 2 : 1,
      // Podman's containers are nobody's children.
      outlived: raw.LiveRestoreEnabled === true || raw.BuildahVersion !== undefined,
      gpuDriver: gpuDriverOf(raw),
    },
    // The engine runs its init to ask for the version, and says this where there is none.
    hasInit: raw.InitCommit !== undefined && raw.InitCommit.ID !== 'N/A',
    hasLocalLogs: raw.Plugins?.Log?.includes('local') ?? false,
    isPodman: raw.BuildahVersion !== undefined,
    bySystemd: raw.CgroupDriver === 'systemd',
    isRootless: raw.SecurityOptions?.some((option) => option.split(',').includes('name=rootless')) ?? false,
    sharesLayers: raw.BuildahVersion === undefined && !hasContainerdStore(raw),
    runtimes: Object.keys(raw.Runtimes ?? {}).toSorted(),
  }
}

/** Docker's newer store of images wants every layer that an image has. */
function hasContainerdStore({ DriverStatus: status }: RawInfo): boolean {
  return (status ?? []).some(([name, value]) => name === 'driver-type' && value.startsWith('io.containerd'))
}

function gpuDriverOf({ Runtimes: runtimes, DiscoveredDevices: discovered }: RawInfo): GpuDriver {
  const devices = (discovered ?? []).filter(({ Source, ID }) => Source === 'cdi' && /^[a-z]+\.com\/gpu=/.test(ID))
  return { nvidia: Object.hasOwn(runtimes ?? {}, 'nvidia'), cdi: devices.map(({ ID }) => ID) }
}
