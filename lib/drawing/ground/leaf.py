"""A printed page, as a picture and as a PDF whose words can be selected, searched and read aloud.

The PDF shows the same picture. Its words lie over the picture without ink, each line at its place and in its width.
"""

import zlib
from dataclasses import dataclass, field

from PIL import Image

from lib.drawing.ground import lettering
from lib.drawing.ground.colour import Rgb

POINTS = 72 / 25.4  # a millimetre
EM = 0.5  # how wide the PDF takes a letter to be, in sizes; each line is stretched to its true width


@dataclass(frozen=True)
class PrintedLine:
    """A line of words as it was drawn: where it begins and stands, its size and its width, in pixels."""

    words: str
    left: float
    baseline: float
    size: int
    width: float


@dataclass
class Leaf:
    """A picture that remembers the words on it."""

    canvas: Image.Image
    lines: list[PrintedLine] = field(default_factory=list)

    def write(self, corner: tuple[int, int], block: lettering.Block, ink: Rgb, *, centre_in: int = 0) -> None:
        """Draw a block of words; see `lettering.draw`."""
        lettering.draw(self.canvas, corner, block, ink, centre_in=centre_in)
        baseline = corner[1] + round(lettering.CAP * block.size)
        for number, words in enumerate(block.lines):
            wide = lettering.width(words, block.font) * block.size / lettering.RULER
            left = corner[0] + ((centre_in - wide) / 2 if centre_in else 0)
            self.lines.append(PrintedLine(words, left, baseline + number * block.leading, block.size, wide))

    def pdf(self, width_mm: float) -> bytes:
        """Return the page as a PDF of this width."""
        wide, high = self.canvas.size
        scale = width_mm * POINTS / wide
        shown = f"q {scale:.6f} 0 0 {scale:.6f} 0 0 cm q {wide} 0 0 {high} 0 0 cm /P Do Q\nBT 3 Tr\n"
        shown += "".join(_line(line, high) for line in self.lines) + "ET Q"
        box = f"[0 0 {wide * scale:.2f} {high * scale:.2f}]"
        colours, pixels = _pixels(self.canvas)
        return _file(
            [
                b"<< /Type /Catalog /Pages 2 0 R >>",
                b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
                f"<< /Type /Page /Parent 2 0 R /MediaBox {box} /Contents 4 0 R"
                " /Resources << /XObject << /P 5 0 R >> /Font << /F 6 0 R >> >> >>".encode(),
                _stream("", shown.encode()),
                _stream(
                    f"/Type /XObject /Subtype /Image /Width {wide} /Height {high} /ColorSpace {colours}"
                    " /BitsPerComponent 8",
                    pixels,
                ),
                *_font("".join(line.words for line in self.lines)),
            ]
        )


def _pixels(canvas: Image.Image) -> tuple[str, bytes]:
    """Return a picture as a PDF holds it: one of few colours, which has a palette, takes a third."""
    palette = canvas.getpalette() if canvas.mode == "P" else None
    if palette is None:
        return "/DeviceRGB", canvas.convert("RGB").tobytes()
    return f"[/Indexed /DeviceRGB {len(palette) // 3 - 1} <{bytes(palette).hex()}>]", canvas.tobytes()


def _line(line: PrintedLine, high: int) -> str:
    stretch = 100 * line.width / max(1.0, len(_units(line.words)) * line.size * EM)
    place = f"1 0 0 1 {line.left:.2f} {high - line.baseline:.2f} Tm"
    return f"/F {line.size} Tf {stretch:.3f} Tz {place} <{''.join(_units(line.words))}> Tj\n"


def _units(words: str) -> list[str]:
    """Return the letters as the font's codes, which are Unicode's own; rarer ones are left out, as on the picture."""
    return [f"{ord(sign):04X}" for sign in words.replace("\u00a0", " ") if ord(sign) < 0x10000]


def _font(words: str) -> list[bytes]:
    """Return objects 6 to 9: a font without shapes, whose codes mean the letters of Unicode."""
    codes = sorted(set(_units(words)))
    parts = [codes[start : start + 100] for start in range(0, len(codes), 100)]
    known = "".join(
        f"{len(part)} beginbfchar\n" + "".join(f"<{code}> <{code}>\n" for code in part) + "endbfchar\n"
        for part in parts
    )
    meanings = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapType 2 def /CMapName /W def\n"
        f"1 begincodespacerange <0000> <FFFF> endcodespacerange\n{known}endcmap end end"
    )
    return [
        b"<< /Type /Font /Subtype /Type0 /BaseFont /Words /Encoding /Identity-H /DescendantFonts [7 0 R]"
        b" /ToUnicode 9 0 R >>",
        b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Words /CIDToGIDMap /Identity /FontDescriptor 8 0 R"
        b" /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /DW 500 >>",
        b"<< /Type /FontDescriptor /FontName /Words /Flags 4 /FontBBox [0 -200 500 800] /ItalicAngle 0 /Ascent 800"
        b" /Descent -200 /CapHeight 720 /StemV 80 >>",
        _stream("", meanings.encode()),
    ]


def _stream(about: str, data: bytes) -> bytes:
    packed = zlib.compress(data, 9)
    return f"<< {about} /Filter /FlateDecode /Length {len(packed)} >>\nstream\n".encode() + packed + b"\nendstream"


def _file(objects: list[bytes]) -> bytes:
    """Put numbered objects into a file; the first is its catalogue."""
    out, places = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    tail = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer\n"
    tail += f"<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF\n"
    return bytes(out) + tail.encode()
