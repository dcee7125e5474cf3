/**
 * The two programs that a sandbox needs, as the bytes of a static ELF file each: nothing is pulled or compiled for them,
 * and there is nothing in them but what is written here.
 */

/** On which the program of the probe listens. Any free one: it is in a network of its own. */
export const PROBE_PORT = 40_000

/** Whole files, ready to be executed. */
export interface Programs {
  /** Sleeps until it is killed: what keeps the network of a sandbox alive. */
  hold: Uint8Array
  /** Listens on {@link PROBE_PORT}, where the kernel accepts by itself, and sleeps: what tries a sandbox out. */
  listen: Uint8Array
}

/** Machine code by the engine's name of the architecture; Linux's own system calls, and nothing of a library. */
const code: Record<string, { machine: number; hold: string; listen: string }> = {
  amd64: {
    machine: 0x3e,
    // again: mov eax, 34 (pause); syscall; jmp again
    hold: 'b8 22000000 | 0f05 | ebf7',
    // mov edi, 2 (AF_INET); mov esi, 1 (SOCK_STREAM); xor edx, edx; mov eax, 41 (socket); syscall; mov edi, eax
    // push 0; mov eax, 0x409c0002 (family 2, port 40000 in network order); push rax: a sockaddr_in of any address
    // mov rsi, rsp; mov edx, 16; mov eax, 49 (bind); syscall; mov esi, 8; mov eax, 50 (listen); syscall
    listen:
      'bf 02000000 | be 01000000 | 31d2 | b8 29000000 | 0f05 | 89c7 | 6a00 | b8 02009c40 | 50 | 4889e6 | ba 10000000 |' +
      'b8 31000000 | 0f05 | be 08000000 | b8 32000000 | 0f05',
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
  },
}

/**
 * @param architecture as the engine names it, e.g. `"amd64"`
 * @returns Null where there are none for it.
 */
export function programsFor(architecture: string): Programs | null {
  const known = Object.hasOwn(code, architecture) ? code[architecture] : undefined
  if (known === undefined) return null
  const { machine, hold, listen } = known
  return { hold: elf(machine, bytesOf(hold)), listen: elf(machine, bytesOf(listen + hold)) }
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
