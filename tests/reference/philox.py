"""Philox4x32-10, and the random numbers of a kernel's cell, written from the paper and from
include/gridcrunch/kernel_random.h's head comment; the other scripts here draw from it."""
import struct

MASK = 0xFFFFFFFF


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & MASK, (a >> 32) ^ c[3] ^ k[1], a & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


# Known answers of the Random123 distribution.
assert philox([0] * 4, [0] * 2) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
assert philox([0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344], [0xA4093822, 0x299F31D0]) == [
    0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]

TAG_PARAMETER, TAG_DRAW = 1, 2


def link(state, value, index, tag, seed):
    """One link of the chain that names a cell and its draws."""
    return philox([state[0] ^ value & MASK, state[1] ^ value >> 32, state[2] ^ index,
                   state[3] ^ tag], [seed & MASK, seed >> 32])


def cell_uniforms(seed, identity, parameters, stream):
    """The uniforms in [0, 1) of one stream of a cell, without end."""
    cell = list(identity)
    for p, value in enumerate(parameters):
        bits, = struct.unpack("<Q", struct.pack("<d", value))
        cell = link(cell, bits, p, TAG_PARAMETER, seed)
    block = 0
    while True:
        words = link(cell, block, stream, TAG_DRAW, seed)
        for low, high in (words[:2], words[2:]):
            yield ((low | high << 32) >> 11) * 2.0**-53
        block += 1
