#!/usr/bin/env python3
# icons.py - draws the two icons of the Teams app: a reception desk's bell.
# SPDX-License-Identifier: Apache-2.0
#
#	plugins/teams/icons.py		writes color.png and outline.png
#
# Teams wants 192x192 in colour with the sign in its middle, and 32x32 in
# white on nothing.  What is drawn here is kept beside it: building needs no
# Python.

import os
import struct
import zlib

NAVY, GOLD, PALE = (0x1f, 0x3a, 0x5f), (0xf2, 0xb8, 0x4b), (0xff, 0xff, 0xff)


def disc(x, y, cx, cy, r):
    return (x - cx) ** 2 + (y - cy) ** 2 <= r * r


def bar(x, y, left, top, right, bottom, r):
    """A rectangle with round corners."""
    if not (left <= x <= right and top <= y <= bottom):
        return False
    nx = min(max(x, left + r), right - r)
    ny = min(max(y, top + r), bottom - r)
    return disc(x, y, nx, ny, r)


def bell(x, y, thick):
    """Is the point of the unit square on the bell?  thick: filled."""
    dome = y <= 0.66 and disc(x, y, 0.5, 0.66, 0.34)
    inner = y <= 0.60 and disc(x, y, 0.5, 0.62, 0.255)
    knob = bar(x, y, 0.44, 0.20, 0.56, 0.34, 0.055)
    plate = bar(x, y, 0.10, 0.71, 0.90, 0.81, 0.05)
    return (dome and (thick or not inner)) or knob or plate


def shine(x, y):
    """A light on the dome."""
    return (disc(x, y, 0.5, 0.66, 0.27) and not disc(x, y, 0.5, 0.66, 0.215)
            and x < 0.45 and y < 0.60)


def pixel_colour(x, y):
    # The sign in the middle 60 of 100.
    bx, by = (x - 0.2) / 0.6, (y - 0.2) / 0.6
    if bell(bx, by, True):
        return (PALE if shine(bx, by) else GOLD) + (255,)
    return NAVY + (255,)


def pixel_outline(x, y):
    return PALE + ((255,) if bell(x, y, False) else (0,))


def draw(size, pixel, steps=8):
    rows = []
    for j in range(size):
        row = bytearray([0])
        for i in range(size):
            s = [pixel((i + (a + 0.5) / steps) / size,
                       (j + (b + 0.5) / steps) / size)
                 for a in range(steps) for b in range(steps)]
            alpha = sum(p[3] for p in s)
            row += bytes(round(sum(p[c] * p[3] for p in s) / alpha)
                         if alpha else 255 for c in range(3))
            row.append(round(alpha / len(s)))
        rows.append(bytes(row))
    return b''.join(rows)


def chunk(kind, data):
    crc = zlib.crc32(kind + data)
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', crc)


def write(name, size, pixel):
    head = struct.pack('>IIBBBBB', size, size, 8, 6, 0, 0, 0)
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
    with open(path, 'wb') as f:
        f.write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) +
                chunk(b'IDAT', zlib.compress(draw(size, pixel), 9)) +
                chunk(b'IEND', b''))


write('color.png', 192, pixel_colour)
write('outline.png', 32, pixel_outline)
