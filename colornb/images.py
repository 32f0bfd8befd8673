"""Picture files as arrays: uint8 (H, W, 3), sRGB, upright."""

import os
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageOps

from colornb.errors import ColornbError
from colornb.paths import shown

MAX_PIXELS = 200_000_000
Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # one limit, `read_image`'s, instead of Pillow's two
# They tell what may be damaged, but not in which file; what is damaged ends in an exception.
warnings.filterwarnings("ignore", module=r"PIL\.")
# Only formats that Pillow reads by itself: EPS, for one, would start another program.
FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF", "PPM")
_MODES = {"RGB": ("RGB", "RGBA", "P", "PA"), "GRAY": ("L", "LA"), "CMYK": ("CMYK",)}
"""Colour space of a profile -> Pillow's modes of pictures that it may be of."""
_TOLD = (
    *("ImageDescription", "Make", "Model", "Software", "DateTime", "Artist", "HostComputer"),
    *("Rating", "XPTitle", "XPComment", "XPAuthor", "XPKeywords", "XPSubject", "Copyright"),
)
"""Of the EXIF data, what is not about how the file stores its pixels."""


def read_image(path: str | Path) -> np.ndarray:
    """A picture file as uint8 (H, W, 3) sRGB, upright.

    EXIF rotation is applied, unless the EXIF data are damaged; gray, palette and CMYK become RGB;
    16 bits are scaled to 8; transparency is laid on white; of an animation the first frame is
    taken. Colours of an embedded profile are brought to sRGB, unless the profile is damaged.

    Raises:
        ColornbError: the file is missing, truncated, no picture, of floating-point or 32-bit
            values, or over 200 megapixels.
    """
    name = shown(path)
    if not os.path.isfile(path):  # a pipe or a device is not opened: it might never end
        what = "a folder where a picture is wanted" if os.path.isdir(path) else "not a file"
        raise ColornbError(f"{name} is {what}: give the path of a picture.")
    try:
        with Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Image.DecompressionBombError
            image.load()
            _turn_upright(image)
            return np.array(_to_rgb(image))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ColornbError(
            f"{name} has more than {MAX_PIXELS // 10**6} megapixels: make it smaller first."
        ) from error
    except Image.UnidentifiedImageError as error:
        raise ColornbError(
            f"{name} is not a picture in a known format: remove it or save it as JPEG or PNG."
        ) from error
    except MemoryError as error:
        raise ColornbError(f"The memory is too small for {name}: make it smaller first.") from error
    except Exception as error:  # Pillow tells a damaged file by a dozen types of exception
        problem = shown(error) or type(error).__name__
        raise ColornbError(
            f"{name} cannot be read ({problem}): replace it with a whole picture of 8 or 16 bits."
        ) from error


def _turn_upright(image: Image.Image) -> None:
    """Applies the EXIF rotation, in place: no copy of a large one. Damaged EXIF data turn nothing;
    the pixels are whole."""
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except MemoryError:
        raise
    except Exception:  # of as many types as above
        pass


def _to_rgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    if image.mode == "F":
        raise ValueError("floating-point values; 8 or 16 bits are needed")
    if image.mode.startswith("I"):  # 16-bit gray, in one of Pillow's five modes for it
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 65_535:
            raise ValueError("32-bit values; 8 or 16 bits are needed")
        clear = values == image.info.get("transparency", -1)
        image = Image.fromarray(((values * 255 + 32_767) // 65_535).astype(np.uint8))
        if clear.any():
            image.putalpha(Image.fromarray(~clear).convert("L"))
    if profile:
        image = _to_srgb(image, profile)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """The picture with its colours in sRGB instead of those of an ICC profile; as it is where that
    is sRGB, damaged, or of another colour space than the picture's."""
    try:
        given = ImageCms.ImageCmsProfile(BytesIO(profile))
        space = given.profile.xcolor_space.strip()
        if image.mode not in _MODES[space] or "sRGB" in ImageCms.getProfileDescription(given):
            return image
        plain, srgb = {"GRAY": "L"}.get(space, space), ImageCms.createProfile("sRGB")
        opaque = image if image.mode == plain else image.convert(plain)
        converted = ImageCms.profileToProfile(opaque, given, srgb, outputMode="RGB")
        if image.has_transparency_data:
            converted.putalpha(image.convert("RGBA").getchannel("A"))
        return converted
    except MemoryError:
        raise
    except Exception:  # of as many types as above
        return image


def read_exif(path: str | Path) -> bytes:
    """The EXIF data of a picture file that tell of the photograph, to be kept with its like.

    Date, camera, exposure, place, author and copyright; not the rotation, which `read_image` has
    applied, nor a preview. Empty if there are none, or if they are damaged.
    """
    kept = Image.Exif()
    try:
        with Image.open(path, formats=FORMATS) as image:
            given = image.getexif()
            for tag in (ExifTags.Base[name] for name in _TOLD):
                if tag in given:
                    kept[tag] = given[tag]
            for part in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
                if found := given.get_ifd(part):
                    kept[part] = dict(found)
        return kept.tobytes() if len(kept) else b""
    except MemoryError:
        raise
    except Exception:  # of as many types as above
        return b""


def squash(rgb: np.ndarray, size: int) -> np.ndarray:
    """uint8 (H, W, 3) -> (3, size, size), antialiased (Lanczos), the aspect ratio not kept."""
    square = Image.fromarray(rgb).resize((size, size), Image.Resampling.LANCZOS)
    return np.asarray(square).transpose(2, 0, 1)
