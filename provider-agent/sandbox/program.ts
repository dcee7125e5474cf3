/**
 * The programs that sandboxes and proofs of runtimes need, as the bytes of a static ELF file each: nothing is pulled or compiled for them,
 * and there is nothing in them but what is written here.
 */

/** On which the programs listen that are spoken to. Any free one: it is in a network of its own. */
export const PROBE_PORT = 40_000

/** Whole files, ready to be executed. */
export interface Programs {
  /** Sleeps until it is killed: what keeps the network of a sandbox alive. */
  hold: Uint8Array
  /** Listens on {@link PROBE_PORT}, where the kernel accepts by itself, and sleeps: what tries a sandbox out. */
  listen: Uint8Array
  /**
   * Listens there, too, writes {@link PROVED} as a line and what {@link KERNEL_FILES} hold, waits until somebody connects, and
   * ends with {@link PROVED_CODE}; with another code after {@link PROVE_SECONDS} in which nobody did.
   */
  prove: Uint8Array
  /** The same without listening and waiting. */
  tell: Uint8Array
}

/** What a program writes that proves a runtime. */
export const PROVED = 'proved'
/** What it ends with: nothing that ends by itself. */
export const PROVED_CODE = 7
/** How long it waits: no agent does for so long, and one that was killed meanwhile may never come back. */
export const PROVE_SECONDS = 60
/** What tells one kernel from another, each a line; one that is not there is passed over. */
export const KERNEL_FILES = ['/proc/sys/kernel/random/boot_id', '/proc/version']

/** Pieces of machine code, which are put together. */
interface Code {
  machine: number
  hold: string
  listen: string
  write: string
  /** Writes out what a file holds. Before it, a call over the file's path. */
  cat: string
  /** Waits until somebody connects. */
  wait: string
  /** How it ends after that: with {@link PROVED_CODE} where somebody did. */
  spoken: string
  /** Ends with {@link PROVED_CODE}. */
  exit: string
  /** A call over so many bytes: where they begin is then what the call returns to. */
  over: (bytes: number) => string
}

/** Machine code by the engine's name of the architecture; Linux's own system calls, and nothing of a library. */
const code: Record<string, Code> = {
  amd64: {
    machine: 0x3e,
    // again: mov eax, 34 (pause); syscall; jmp again
    hold: 'b8 22000000 | 0f05 | ebf7',
    // mov edi, 2 (AF_INET); mov esi, 1 (SOCK_STREAM); xor edx, edx; mov eax, 41 (socket); syscall; mov edi, eax
    // push 0; mov eax, 0x409c0002 (family 2, port 40000 in network order); push rax: a sockaddr_in of any address
    // mov rsi, rsp; mov edx, 16; mov eax, 49 (bind); syscall; mov esi, 8; mov eax, 50 (listen); syscall; mov ebx, edi
    listen:
      'bf 02000000 | be 01000000 | 31d2 | b8 29000000 | 0f05 | 89c7 | 6a00 | b8 02009c40 | 50 | 4889e6 | ba 10000000 |' +
      'b8 31000000 | 0f05 | be 08000000 | b8 32000000 | 0f05 | 89fb',
    // mov rax, "proved\n"; push rax; mov edi, 1; mov rsi, rsp; mov edx, 7; mov eax, 1 (write); syscall
    write: '48b8 70726f7665640a00 | 50 | bf 01000000 | 4889e6 | ba 07000000 | b8 01000000 | 0f05',
    // pop rdi; xor esi, esi; xor edx, edx; mov eax, 2 (open); syscall; mov edi, eax
    // sub rsp, 512; mov rsi, rsp; mov edx, 512; xor eax, eax (read); syscall
    // mov rdx, rax; mov edi, 1; mov eax, 1 (write); syscall: nothing where the file is not there, for no size is below 0
    cat:
      '5f | 31f6 | 31d2 | b8 02000000 | 0f05 | 89c7 | 4881ec 00020000 | 4889e6 | ba 00020000 | 31c0 | 0f05 |' +
      '4889c2 | bf 01000000 | b8 01000000 | 0f05',
    // mov rax, 1 << 32 (POLLIN); or rax, rbx; push rax: a pollfd; mov rdi, rsp; mov esi, 1
    // mov edx, the time in ms; mov eax, 7 (poll); syscall
    wait:
      `48b8 0000000001000000 | 4809d8 | 50 | 4889e7 | be 01000000 | ba ${littleEndian(PROVE_SECONDS * 1_000)} |` +
      'b8 07000000 | 0f05',
    // imul edi, eax, 7: of one that is there, of none; mov eax, 231 (exit_group); syscall
    spoken: '6bf807 | b8 e7000000 | 0f05',
    // mov edi, 7; mov eax, 231 (exit_group); syscall
    exit: 'bf 07000000 | b8 e7000000 | 0f05',
    // call
    over: (bytes) => `e8 ${littleEndian(bytes)}`,
  },
  arm64: {
    machine: 0xb7,
    // again: mov x0..x3, 0; mov x8, 73 (ppoll); svc 0; b again
    hold: '000080d2 | 010080d2 | 020080d2 | 030080d2 | 280980d2 | 010000d4 | faffff17',
    // mov x0, 2; mov x1, 1; mov x2, 0; mov x8, 198 (socket); svc 0; mov x9, x0
    // movz x10, 2; movk x10, 0x409c, lsl 16; stp x10, xzr, [sp, -16]!: a sockaddr_in, as above
    // mov x1, sp; mov x2, 16; mov x8, 200 (bind); svc 0; mov x0, x9; mov x1, 8; mov x8, 201 (listen); svc 0
    listen:
      '400080d2 | 210080d2 | 020080d2 | c81880d2 | 010000d4 | e90300aa | 4a0080d2 | 8a13a8f2 | ea7fbfa9 | e1030091 |' +
      '020280d2 | 081980d2 | 010000d4 | e00309aa | 010180d2 | 281980d2 | 010000d4',
    // movz x10, 0x7270; movk x10, 0x766f, lsl 16; movk x10, 0x6465, lsl 32; movk x10, 0xa, lsl 48; str x10, [sp, -16]!
    // mov x0, 1; mov x1, sp; mov x2, 7; mov x8, 64 (write); svc 0
    write:
      '0a4e8ed2 | eacdaef2 | aa8cccf2 | 4a01e0f2 | ea0f1ff8 | 200080d2 | e1030091 | e20080d2 | 080880d2 | 010000d4',
    // mov x1, x30; mov x0, -100 (AT_FDCWD); mov x2, 0; mov x8, 56 (openat); svc 0
    // sub sp, sp, 512; mov x1, sp; mov x2, 512; mov x8, 63 (read); svc 0; mov x2, x0; mov x0, 1; mov x8, 64 (write); svc 0
    cat:
      'e1031eaa | 600c8092 | 020080d2 | 080780d2 | 010000d4 | ff0308d1 | e1030091 | 024080d2 | e80780d2 | 010000d4 |' +
      'e20300aa | 200080d2 | 080880d2 | 010000d4',
    // movz x10, 1, lsl 32 (POLLIN); orr x10, x10, x9; str x10, [sp, -16]!: a pollfd; mov x0, sp; mov x1, 1
    // movz x11, the time in s; stp x11, xzr, [sp, -16]!: a timespec; mov x2, sp; mov x3, 0; mov x8, 73 (ppoll); svc 0
    wait:
      `2a00c0d2 | 4a0109aa | ea0f1ff8 | e0030091 | 210080d2 | ${littleEndian(0xd280000b + PROVE_SECONDS * 32)} |` +
      'eb7fbfa9 | e2030091 | 030080d2 | 280980d2 | 010000d4',
    // mov x1, 7; mul x0, x0, x1: of one that is there, of none; mov x8, 94 (exit_group); svc 0
    spoken: 'e10080d2 | 007c019b | c80b80d2 | 010000d4',
    // mov x0, 7; mov x8, 94 (exit_group); svc 0
    exit: 'e00080d2 | c80b80d2 | 010000d4',
    // bl, which counts instructions, itself included
    over: (bytes) => littleEndian(0x94000000 + 1 + bytes / 4),
  },
}

/**
 * @param architecture as the engine names it, e.g. `"amd64"`
 * @returns Null where there are none for it.
 */
export function programsFor(architecture: string): Programs | null {
  const known = Object.hasOwn(code, architecture) ? code[architecture] : undefined
  if (known === undefined) return null
  const { machine, hold, listen, write, wait, spoken, exit } = known
  const kernel = KERNEL_FILES.map((path) => catOf(known, path)).join('|')
  const program = (...pieces: string[]): Buffer => elf(machine, bytesOf(pieces.join('|')))
  return {
    hold: program(hold),
    listen: program(listen, hold),
    prove: program(listen, write, kernel, wait, spoken),
    tell: program(write, kernel, exit),
  }
}

/** The path lies among the code, its end a zero, of a size that instructions have. */
function catOf({ over, cat }: Code, path: string): string {
  const text = Buffer.alloc((Math.floor(path.length / 4) + 1) * 4)
  text.write(path)
  return [over(text.length), text.toString('hex'), cat].join('|')
}

/** Four bytes. */
function littleEndian(number: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(number)
  return bytes.toString('hex')
}

function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(/[ |]/g, ''), 'hex')
}

/** Where the file is mapped to. */
const ADDRESS = 0x400000n
const HEADER_BYTES = 64
const SEGMENT_BYTES = 56

/** A 64-bit little-endian ELF file of one segment, readable and executable, whose code begins after the headers. */
function elf(machine: number, text: Buffer): Buffer {
  const size = BigInt(HEADER_BYTES + SEGMENT_BYTES + text.length)
  const header = Buffer.alloc(HEADER_BYTES)
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]) // "\x7fELF", 64-bit, little-endian, version 1
  header.writeUInt16LE(2, 16) // e_type: an executable
  header.writeUInt16LE(machine, 18)
  header.writeUInt32LE(1, 20) // e_version
  header.writeBigUInt64LE(ADDRESS + BigInt(HEADER_BYTES + SEGMENT_BYTES), 24) // e_entry
  header.writeBigUInt64LE(BigInt(HEADER_BYTES), 32) // e_phoff
  header.writeUInt16LE(HEADER_BYTES, 52)
  header.writeUInt16LE(SEGMENT_BYTES, 54)
  header.writeUInt16LE(1, 56) // e_phnum
  const segment = Buffer.alloc(SEGMENT_BYTES)
  segment.writeUInt32LE(1, 0) // p_type: to be loaded
  segment.writeUInt32LE(5, 4) // p_flags: read, execute
  segment.writeBigUInt64LE(ADDRESS, 16) // p_vaddr
  segment.writeBigUInt64LE(ADDRESS, 24) // p_paddr
  segment.writeBigUInt64LE(size, 32) // p_filesz
  segment.writeBigUInt64LE(size, 40) // p_memsz
  segment.writeBigUInt64LE(0x1000n, 48) // p_align
  return Buffer.concat([header, segment, text])
}
