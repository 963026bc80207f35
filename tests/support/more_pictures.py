"""Pictures by the hundred: every way of writing a good one, and of spoiling one, that generators can make."""

import functools
import itertools
import os
import struct
import zlib
from collections.abc import Iterator, Mapping

from PIL import Image, ImageCms

from support.bad_pictures import bad_pictures
from support.pictures import (
    ORIENTATION,
    SIDE,
    Make,
    bmp,
    encoded,
    good_pictures,
    jpeg_of_scans,
    noise,
    photo,
    png,
    png_block,
    rotated,
    segment,
    swapped_profile,
    webp,
    webp_chunk,
    with_segments,
)

LONGEST = 5000
Bad = tuple[str, Make]
DAMAGED = "cannot be decoded|header is damaged|cut short|contradicts|no known picture"
#: What Pillow writes and the service does not take.
FOREIGN = (
    *("GIF", "TIFF", "ICO", "PPM", "TGA", "PCX", "SGI", "DDS", "EPS", "PDF", "ICNS", "JPEG2000"),
    *("AVIF", "DIB", "SPIDER"),
)
MAGIC = {
    "mp4": b"\0\0\0\x18ftypmp42",
    "matroska": b"\x1aE\xdf\xa3\x93B\x82\x88matroska",
    "mp3": b"ID3\4\0\0\0\0\0\x23",
    "ogg": b"OggS\0\2",
    "flac": b"fLaC\0\0\0\x22",
    "wav": b"RIFF\x24\0\0\0WAVEfmt ",
    "avi": b"RIFF\x24\0\0\0AVI LIST",
    "program": b"\x7fELF\2\1\1",
    "windows program": b"MZ\x90\0\3",
    "mach-o": b"\xcf\xfa\xed\xfe",
    "java class": b"\xca\xfe\xba\xbe",
    "wasm": b"\0asm\1\0\0\0",
    "gzip": b"\x1f\x8b\x08",
    "bzip2": b"BZh91AY&SY",
    "xz": b"\xfd7zXZ\0",
    "zstd": b"\x28\xb5\x2f\xfd",
    "7z": b"7z\xbc\xaf\x27\x1c",
    "rar": b"Rar!\x1a\7\1\0",
    "tar": b"picture.jpg" + bytes(246) + b"ustar\x0000",
    "sqlite": b"SQLite format 3\0",
    "font": b"\0\1\0\0\0\x0f",
    "woff2": b"wOF2\0\1",
    "jpeg xl": b"\xff\x0a\xfa\x7f",
    "jpeg xl box": b"\0\0\0\x0cJXL \r\n\x87\n",
    "raw photo": b"FUJIFILMCCD-RAW 0201",
    "fits": b"SIMPLE  =                    T",
    "dicom": bytes(128) + b"DICM",
    "exr": b"v/1\1\2\0\0\0",
    "hdr": b"#?RADIANCE\n",
    "wmf": b"\xd7\xcd\xc6\x9a\0\0",
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0",
    "json": b'{"image": "data:image/png;base64,AAAA"}',
    "base64": b"iVBORw0KGgoAAAANSUhEUgAAAZAAAAGQ",
    "data url": b"data:image/png;base64,iVBORw0KGgo=",
    "utf-16 svg": "<svg xmlns='x'/>".encode("utf-16"),
    "script": b"#!/bin/sh\ncurl 169.254.169.254\n",
    "png after a text-mode copy": b"\x89PNG\n\x1a\n\0\0\0\x0dIHDR",
    "png with seven bits": b"\tPNG\r\n\x1a\n\0\0\0\x0dIHDR",
    "jpeg after a byte order mark": b"\xef\xbb\xbf\xff\xd8\xff\xe0",
}


@functools.cache
def noisy(format_name: str, mode: str = "RGB", **options: object) -> bytes:
    return encoded(noise().convert(mode), format_name, **options)


def _kinds() -> Mapping[str, Make]:
    """One good picture of each kind, full of detail."""
    return {
        "jpeg": lambda: noisy("JPEG"),
        "progressive jpeg": lambda: noisy("JPEG", progressive=True),
        "cmyk jpeg": lambda: noisy("JPEG", "CMYK"),
        "grey jpeg": lambda: noisy("JPEG", "L"),
        "png": lambda: noisy("PNG"),
        "palette png": lambda: noisy("PNG", "P"),
        "grey png": lambda: noisy("PNG", "L"),
        "16-bit png": lambda: png(depth=16, pixels=(b"\0" + os.urandom(6 * SIDE)) * SIDE),
        "bmp": lambda: noisy("BMP"),
        "palette bmp": lambda: noisy("BMP", "P"),
        "webp": lambda: noisy("WEBP"),
        "lossless webp": lambda: noisy("WEBP", lossless=True),
    }


def _cut_short() -> Iterator[tuple[str, Bad]]:
    for (name, make), share in itertools.product(
        _kinds().items(), (0.002, 0.02, 0.2, 0.4, 0.6, 0.8, 0.97)
    ):
        yield (
            f"{share:.1%} of a {name}",
            (DAMAGED, lambda make=make, share=share: (data := make())[: int(len(data) * share)]),
        )


def _foreign() -> Iterator[tuple[str, Bad]]:
    for name in FOREIGN:
        yield (f"foreign {name}", ("The file is ", lambda name=name: encoded(photo(), name)))
    for name, start in MAGIC.items():
        yield (f"foreign {name}", ("The file is ", lambda start=start: start + bytes(3000)))


def _wrong_sizes() -> Iterator[tuple[str, Bad]]:
    sizes = ((383, 384), (384, 383), (5001, 384), (384, 5001), (16, 16), (1, 1), (100, 5000))
    writings: Mapping[str, Mapping[str, object]] = {
        "JPEG": {},
        "JPEG progressive": {"progressive": True},
        "JPEG of L": {},
        "JPEG of CMYK": {},
        "PNG": {},
        "PNG of P": {},
        "PNG of 1": {},
        "BMP": {},
        "BMP of 1": {},
        "WEBP": {"method": 0},
        "WEBP lossless": {"lossless": True, "method": 0},
    }
    for (name, options), (width, height) in itertools.product(writings.items(), sizes):
        format_name, _, mode = name.partition(" of ")

        def make(
            format_name: str = format_name.split()[0],
            size: tuple[int, int] = (width, height),
            mode: str = mode or "RGB",
            options: Mapping[str, object] = options,
        ) -> bytes:
            return encoded(photo(*size, mode), format_name, **options)

        yield f"{name} {width}x{height}", (f"is {width}x{height} px; each side must be", make)


def _see_through() -> Iterator[tuple[str, Bad]]:
    for level in (0, 1, 254, 255):
        image = photo().convert("RGBA")
        image.putalpha(level)
        for name, kind in (("RGBA", image), ("LA", image.convert("LA"))):
            yield f"png {name} {level}", ("transparency", lambda kind=kind: encoded(kind, "PNG"))
        if level != 255:  # an opaque one is written without alpha
            for lossless in (False, True):
                yield (
                    f"webp alpha {level} {lossless}",
                    (
                        "transparency",
                        lambda i=image, packed=lossless: encoded(i, "WEBP", lossless=packed),
                    ),
                )
    for depth, colour in ((8, 4), (16, 4), (8, 6), (16, 6)):
        yield (
            f"png {depth}/{colour}",
            ("transparency", lambda d=depth, c=colour: png(depth=d, colour=c)),
        )
    tables = {(1, 0): 2, (2, 0): 2, (4, 0): 2, (8, 0): 2, (16, 0): 2, (8, 2): 6, (16, 2): 6}
    for (depth, colour), size in tables.items():
        yield (
            f"png tRNS {depth}/{colour}",
            (
                "transparency",
                lambda d=depth, c=colour, s=size: png(
                    depth=d, colour=c, before=png_block(b"tRNS", bytes(s))
                ),
            ),
        )
    for size in (1, 2, 256):
        before = png_block(b"PLTE", bytes(768)) + png_block(b"tRNS", bytes(size))
        yield f"png palette tRNS {size}", ("transparency", lambda b=before: png(colour=3, before=b))


def _moving() -> Iterator[tuple[str, Bad]]:
    for count, name in itertools.product((2, 3, 9), ("PNG", "WEBP")):
        frames = [photo().rotate(30 * turn) for turn in range(count)]
        yield (
            f"{count} frames of {name}",
            (
                "animation",
                lambda f=frames, n=name: encoded(f[0], n, save_all=True, append_images=f[1:]),
            ),
        )
    for count in (2, 10, 2**31 - 1, 2**32 - 1):
        block = png_block(b"acTL", struct.pack(">II", count, 0))
        yield f"png that says {count} frames", ("animation", lambda b=block: png(before=b))


def _odd_png() -> Iterator[tuple[str, Bad]]:
    legal = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
    for colour, depth in itertools.product(
        (0, 2, 3, 4, 6), (0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 32, 255)
    ):
        if depth not in legal[colour] and colour in (0, 2, 3):
            yield (
                f"png of depth {depth} and colour {colour}",
                (DAMAGED, lambda d=depth, c=colour: png(depth=d, colour=c)),
            )
    head, data = png()[:33], png_block(b"IDAT", zlib.compress(bytes(1201 * SIDE)))
    end = png_block(b"IEND", b"")
    for field, at in (("compression", 26), ("filter", 27)):
        spoilt = head[:at] + b"\7" + head[at + 1 : 29]
        whole = spoilt + struct.pack(">I", zlib.crc32(spoilt[12:])) + data + end
        yield f"png of an unknown {field}", (DAMAGED, lambda w=whole: w)
    wholes = {
        "png without data": head + end,
        "png of empty data": head + png_block(b"IDAT", b"") + end,
        "png whose data are empty deflate": head + png_block(b"IDAT", zlib.compress(b"")) + end,
        "png of an unknown row filter": head + png_block(b"IDAT", zlib.compress(b"\x09" * 1201 * SIDE)) + end,
        "png block longer than the file": head + struct.pack(">I", 10**6) + b"tEXt" + bytes(100),
        "png block of 4 GB": head + struct.pack(">I", 2**32 - 1) + b"IDAT" + bytes(5000),
        "png with another checksum": head[:29] + b"\0\0\0\0" + data + end,
        "png head of 12 bytes": head[:8] + png_block(b"IHDR", head[16:28]) + data + end,
        "png that ends first": head[:8] + end + head[8:] + data + end,
    }  # fmt: skip
    for name, whole in wholes.items():
        yield name, (DAMAGED, lambda w=whole: w)
    for kind in (b"zTXt", b"iCCP", b"iTXt"):
        text = b"a\0\1\0\0\0" if kind == b"iTXt" else b"a\0\0"
        bomb = png_block(kind, text + zlib.compress(bytes(128 * 2**20)))
        yield f"png {kind.decode()} bomb", (DAMAGED, lambda b=bomb: png(before=b))


def _odd_bmp() -> Iterator[tuple[str, Bad]]:
    for bits in (0, 2, 3, 5, 6, 9, 12, 20, 48, 64, 255):
        yield (
            f"bmp of {bits} bits",
            (DAMAGED, lambda b=bits: bmp(bits=b or 1)[:28] + struct.pack("<H", b) + bmp()[30:]),
        )
    for compression in (6, 7, 10, 11, 12, 255, 2**31):
        yield (
            f"bmp of compression {compression}",
            (DAMAGED, lambda c=compression: bmp(compression=c)),
        )
    for size in (0, 1, 11, 125, 4096, 2**32 - 1):
        yield (
            f"bmp with a head of {size} bytes",
            (DAMAGED, lambda s=size: bmp()[:14] + struct.pack("<I", s) + bmp()[18:]),
        )
    mask = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    yield (
        "bmp with alpha",
        ("transparency", lambda: bmp(bits=32, compression=3, masks=mask + bytes(52))),
    )
    yield "bmp without pixels", (DAMAGED, lambda: bmp(pixels=b""))
    yield (
        "bmp of strange masks",
        (DAMAGED, lambda: bmp(bits=32, compression=3, masks=struct.pack("<III", 5, 6, 7))),
    )


def _odd_webp() -> Iterator[tuple[str, Bad]]:
    lossy, lossless = noisy("WEBP")[20:], noisy("WEBP", lossless=True)[20:]
    wholes = {
        "webp without its start code": webp(webp_chunk(b"VP8 ", lossy[:3] + b"\0\0\0" + lossy[6:])),
        "webp of an interframe": webp(webp_chunk(b"VP8 ", bytes([lossy[0] | 1]) + lossy[1:])),
        "lossless webp of another sign": webp(webp_chunk(b"VP8L", b"\0" + lossless[1:])),
        "lossless webp of version 7": webp(webp_chunk(b"VP8L", lossless[:4] + b"\xe0" + lossless[5:])),
        "webp of nothing": webp(),
        "webp of an empty chunk": webp(webp_chunk(b"VP8 ", b"")),
        "extended webp without a picture": webp(webp_chunk(b"VP8X", bytes(4) + b"\x8f\1\0\x8f\1\0")),
        "extended webp with metadata alone": webp(
            webp_chunk(b"VP8X", b"\x08" + bytes(3) + b"\x8f\1\0\x8f\1\0"), webp_chunk(b"EXIF", bytes(20))
        ),
        "extended webp of another size": webp(
            webp_chunk(b"VP8X", bytes(4) + b"\xf3\1\0\xf3\1\0"), webp_chunk(b"VP8 ", lossy)
        ),
        "webp of a strange chunk": webp(webp_chunk(b"ABCD", bytes(40))),
        "webp that says it has alpha": webp(
            webp_chunk(b"VP8X", b"\x10" + bytes(3) + b"\x8f\1\0\x8f\1\0"), webp_chunk(b"VP8 ", lossy)
        ),
    }  # fmt: skip
    for name, whole in wholes.items():
        yield name, (DAMAGED + "|transparency|each side", lambda w=whole: w)


def _odd_jpeg() -> Iterator[tuple[str, Bad]]:
    jpeg = noisy("JPEG")
    frame, tables = jpeg.index(b"\xff\xc0"), jpeg.index(b"\xff\xc4")
    for kind in (0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF):
        yield (
            f"jpeg of frame {kind:x}",
            (DAMAGED, lambda k=kind: jpeg[: frame + 1] + bytes([k]) + jpeg[frame + 2 :]),
        )
    for precision in (0, 1, 7, 9, 16, 255):
        yield (
            f"jpeg of {precision} bits",
            (DAMAGED, lambda p=precision: jpeg[: frame + 4] + bytes([p]) + jpeg[frame + 5 :]),
        )
    for count in (0, 2, 5, 255):
        yield (
            f"jpeg of {count} colours",
            (DAMAGED, lambda c=count: jpeg[: frame + 9] + bytes([c]) + jpeg[frame + 10 :]),
        )
    for factor in (0x00, 0x51, 0x15, 0xFF):
        yield (
            f"jpeg sampled {factor:x}",
            (DAMAGED, lambda f=factor: jpeg[: frame + 11] + bytes([f]) + jpeg[frame + 12 :]),
        )
    wholes = {
        "jpeg of a huge table": jpeg[: tables + 5] + b"\xff" * 16 + jpeg[tables + 21 :],
        "jpeg of two frames": jpeg[:frame] + jpeg[frame:tables] * 2 + jpeg[tables:],
        "jpeg that ends at once": b"\xff\xd8\xff\xd9" + jpeg[2:],
        "jpeg of one huge segment": b"\xff\xd8" + segment(0xE1, bytes(65_000)) * 100,
        "jpeg of 2001 segments": with_segments(jpeg, segment(0xFE, b"") * 2001),
        "jpeg that is all fill": b"\xff\xd8" + b"\xff" * 200_000,
    }
    for name, whole in wholes.items():
        yield name, (DAMAGED + "|blocks", lambda w=whole: w)
    for count in (65, 66, 100, 1000):
        yield f"jpeg of {count} scans", ("at most 64", lambda c=count: jpeg_of_scans(c))


def more_bad_pictures() -> Mapping[str, Bad]:
    """Files that must be refused: (what the reason says, the file), by name."""
    groups = (
        *(_foreign, _cut_short, _wrong_sizes, _see_through, _moving),
        *(_odd_png, _odd_bmp, _odd_webp, _odd_jpeg),
    )
    return {**bad_pictures(), **{name: bad for group in groups for name, bad in group()}}


def _more_jpegs() -> Iterator[tuple[str, Make]]:
    for orientation in range(1, 9):
        yield f"jpeg turned {orientation}", lambda o=orientation: rotated(o)
    for sampling, progressive in itertools.product(("4:4:4", "4:2:2", "4:2:0"), (False, True)):
        yield (
            f"jpeg {sampling} {progressive}",
            lambda s=sampling, p=progressive: encoded(
                photo(), "JPEG", subsampling=s, progressive=p
            ),
        )
    for quality in (1, 30, 100):
        yield f"jpeg of quality {quality}", lambda q=quality: noisy("JPEG", quality=q)
    for mode, progressive in itertools.product(("CMYK", "L"), (False, True)):
        yield (
            f"jpeg {mode} {progressive}",
            lambda m=mode, p=progressive: noisy("JPEG", m, progressive=p, optimize=True),
        )
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for name, profile in (("sRGB", srgb), ("own", swapped_profile()), ("cut", srgb[:200])):
        for mode in ("RGB", "L", "CMYK"):
            yield (
                f"jpeg {mode} with {name} profile",
                lambda p=profile, m=mode: noisy("JPEG", m, icc_profile=p),
            )
    yield "jpeg without tables, as in films", lambda: without_tables(noisy("JPEG"))
    for orientation in (1, 6):
        yield f"jpeg of three pictures, turned {orientation}", lambda o=orientation: phone_jpeg(o)


def without_tables(jpeg: bytes) -> bytes:
    """What takes its Huffman tables for known, for they are the standard ones."""
    return jpeg[: jpeg.index(b"\xff\xc4")] + jpeg[jpeg.index(b"\xff\xda") :]


def phone_jpeg(orientation: int) -> bytes:
    """As phones write them (MPO): the picture, and smaller ones behind it."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    smaller = [photo(160, 120), photo(320, 240)]
    return encoded(photo(480, SIDE), "MPO", save_all=True, append_images=smaller, exif=exif)


def _more_pngs() -> Iterator[tuple[str, Make]]:
    for depth in (1, 2, 4, 8, 16):
        yield f"png {depth}-bit grey", lambda d=depth: png(depth=d, colour=0)
    for depth in (1, 2, 4, 8):
        palette = png_block(b"PLTE", bytes(range(3)) * 2**depth)
        yield (
            f"png {depth}-bit palette",
            lambda d=depth, p=palette: png(depth=d, colour=3, before=p),
        )
    extras = {
        b"gAMA": struct.pack(">I", 45_455),
        b"pHYs": struct.pack(">IIB", 2835, 2835, 1),
        b"tIME": b"\x07\xea\x0b\x1a\x0c\0\0",
        b"sRGB": b"\0",
        b"bKGD": bytes(6),
        b"iTXt": b"XML:com.adobe.xmp\0\0\0\0\0<x:xmpmeta/>",
        b"eXIf": b"MM\0*\0\0\0\x08\0\0",
        b"abCd": b"private",
        b"iCCP": b"a\0\0" + zlib.compress(swapped_profile()),
    }
    for kind, data in extras.items():
        yield f"png with {kind.decode()}", lambda k=kind, d=data: png(before=png_block(k, d))
    yield "png in many pieces", lambda: in_pieces(noisy("PNG"))


def in_pieces(picture: bytes) -> bytes:
    """The same picture with its data in blocks of a kilobyte."""
    start = picture.index(b"IDAT") - 4
    (length,) = struct.unpack_from(">I", picture, start)
    data, rest = picture[start + 8 : start + 8 + length], picture[start + 12 + length :]
    blocks = [png_block(b"IDAT", data[at : at + 1024]) for at in range(0, length, 1024)]
    return picture[:start] + b"".join(blocks) + rest


def _more_others() -> Iterator[tuple[str, Make]]:
    for bits in (1, 4, 8, 16, 24, 32):
        colours = bytes(4 * 2**bits) if bits <= 8 else b""
        head = struct.pack("<IiiHHIIiiII", 40, SIDE, SIDE, 1, bits, 0, 0, 0, 0, 0, 0)
        yield f"bmp of {bits} bits", lambda b=bits, h=head + colours: bmp(bits=b, header=h)
    masks = struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    yield "bmp with masks", lambda: bmp(bits=16, compression=3, masks=masks)
    for quality, method in itertools.product((1, 50, 100), (0, 6)):
        yield (
            f"webp {quality} {method}",
            lambda q=quality, m=method: noisy("WEBP", quality=q, method=m),
        )
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    for lossless in (False, True):
        yield (
            f"webp with everything {lossless}",
            lambda packed=lossless: noisy(
                "WEBP",
                lossless=packed,
                exif=exif.tobytes(),
                xmp=b"<x/>",
                icc_profile=swapped_profile(),
            ),
        )
    for name, (width, height) in itertools.product(
        ("JPEG", "PNG", "BMP", "WEBP"), ((385, 397), (384, 1999))
    ):
        yield (
            f"{name.lower()} {width}x{height}",
            lambda n=name, w=width, h=height: encoded(photo(w, h), n),
        )


def heaviest_pictures() -> Mapping[str, Make]:
    """Good ones that cost most to decode: as large as is taken, with all that has to be undone."""
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    rough = noise(LONGEST // 4, LONGEST // 4).resize((LONGEST, LONGEST), Image.Resampling.BILINEAR)
    both = {"exif": exif, "icc_profile": swapped_profile()}
    return {
        "progressive jpeg": lambda: encoded(rough, "JPEG", quality=85, progressive=True, **both),
        "cmyk jpeg": lambda: encoded(rough.convert("CMYK"), "JPEG", quality=30, exif=exif),
        "jpeg of 64 scans": lambda: jpeg_of_scans(64, LONGEST),
        "16-bit colour png": lambda: png(width=LONGEST, height=LONGEST, depth=16),
        "16-bit grey png": lambda: encoded(Image.new("I;16", (LONGEST, LONGEST), 7), "PNG"),
        "colourful png": lambda: encoded(photo(LONGEST, LONGEST), "PNG", **both),
        "webp": lambda: encoded(rough, "WEBP", quality=40, method=0, **both),
    }


def more_good_pictures() -> Mapping[str, Make]:
    """Files that must be taken, by name."""
    return {**good_pictures(), **dict(_more_jpegs()), **dict(_more_pngs()), **dict(_more_others())}
