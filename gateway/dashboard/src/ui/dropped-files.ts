/** Files and folders of this machine that were chosen, or dropped on the page. */

/** Most that is taken at once: more is quicker, and kinder to the gateway, as a tar by the command line. */
export const MOST_FILES = 10_000

/** A file, and where it stands among those that were chosen: `data/rows.csv` of a folder `data`. */
export interface ChosenFile {
  path: string
  file: File
}

/** What was chosen. */
export interface Chosen {
  files: ChosenFile[]
  /** Whether there was more than {@link MOST_FILES}, and the rest is left out. */
  isCut: boolean
}

/** Of an `<input type="file">`, with `webkitdirectory` or without. */
export function chosenFiles(files: readonly File[]): Chosen {
  const all = files.slice(0, MOST_FILES).map((file) => ({ path: file.webkitRelativePath || file.name, file }))
  return { files: all, isCut: files.length > MOST_FILES }
}

/** Whether files are being dragged, and not text or a link. */
export function holdsFiles({ types }: DataTransfer): boolean {
  return types.includes('Files')
}

/** To be called while the event is handled: afterwards the browser has taken the list away. */
export async function droppedFiles({ items, files }: DataTransfer): Promise<Chosen> {
  const entries = [...items].flatMap((item) => item.webkitGetAsEntry() ?? [])
  if (entries.length === 0) return chosenFiles([...files])
  const found: ChosenFile[] = []
  const isCut = !(await collect(entries, '', found))
  return { files: found, isCut }
}

/** False where not all of it was taken. */
async function collect(entries: FileSystemEntry[], above: string, into: ChosenFile[]): Promise<boolean> {
  for (const entry of entries) {
    const path = `${above}${entry.name}`
    if (entry.isDirectory) {
      if (!(await collect(await childrenOf(entry as FileSystemDirectoryEntry), `${path}/`, into))) return false
    } else {
      if (into.length === MOST_FILES) return false
      const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))
      into.push({ path, file })
    }
  }
  return true
}

async function childrenOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader()
  const all: FileSystemEntry[] = []
  // The browser hands out a hundred at a time, and none at the end.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    all.push(...some)
    if (some.length === 0 || all.length > MOST_FILES) return all
  }
}
