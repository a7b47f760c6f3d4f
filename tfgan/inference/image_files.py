"""Files of images through a model that translates images, here or on a server."""

import itertools
from collections import Counter
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from tfgan.errors import InputError
from tfgan.files import atomic_file, atomic_folder
from tfgan.inference import exported_model

BATCH_SIZE = 16
# What lies behind transparency where a model knows none: paper; and nothing that is to be filled.
WHITE, BLACK = 255, 0
KINDS = {"L": "gray", "RGB": "color", "RGBA": "color with transparency"}


def translate(path, source, out=None, mask=None, direction=None):
    """Translates images, writes them, and says what was done to them.

    Args:
        path: a SavedModel's folder, or the address of a model at a server.
        source: an image, or a folder of them.
        out: what is written, of the same kind; by default `translated.png` or `translated`.
        mask: for a model that fills holes, an image or a folder of them.
        direction: of a model of two directions, "AtoB" or "BtoA".

    Raises:
        InputError: there is no such image or mask, one cannot be read, `--out` cannot be written
            to, or the model takes something else.
    """
    is_folder = source.is_dir()
    out = out or Path("translated" if is_folder else "translated.png")
    require_place(out, source)
    files = files_of(source)
    masks = masks_of(files, mask)
    model = exported_model.load(path)
    signature = signature_of(model, direction, mask)
    # The images appear all together, or not at all.
    if is_folder:
        with atomic_folder(out) as temporary:
            results = [temporary / f"{path.stem}.png" for path in files]
            notes = translate_all(files, masks, signature, results)
    else:
        with atomic_file(out) as temporary:
            notes = translate_all(files, masks, signature, [temporary])
    print_notes(notes)
    subject = f"{len(files)} images of {source}" if is_folder else files[0]
    print(f"{subject} by {model.path} -> {out}")


def translate_all(files, masks, signature, results):
    """Writes a PNG to its place for each file; returns what was done to which, `{path: note}`."""
    import numpy as np

    from tfgan.plotting import to_pil, to_uint8

    notes = {}
    pending = zip(files, masks, results)
    shapes = {name: spec.shape[1:] for name, spec in signature.inputs.items()}
    size = min(BATCH_SIZE, signature.max_images)
    with tqdm(total=len(files), unit="image", delay=1) as progress:
        while batch := list(itertools.islice(pending, size)):
            rows = []
            for path, mask, _ in batch:
                image = read(path)
                pixels, notes[path] = fitted(image, shapes["images"])
                row = {"images": pixels / np.float32(255)}
                if mask:
                    row["masks"] = read_mask(mask, path, image.size, shapes["masks"])
                rows.append(row)
            inputs = {name: np.stack([row[name] for row in rows]) for name in shapes}
            translated = signature(**inputs)["images"]
            for (_, _, result), pixels in zip(batch, to_uint8(translated)):
                to_pil(pixels).save(result)
            progress.update(len(batch))
    return notes


def require_place(out, source):
    """Refuses an `--out` that is of another kind than the input, or that has something in it."""
    if not source.is_dir():
        if out.suffix != ".png":
            raise InputError(f"--out must end in .png for one image. Received: '{out}'")
        if out.exists() and source.exists() and out.samefile(source):
            raise InputError(f"--out {out} is the image itself: pass another file")
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"--out {out} is not an empty folder: pass a new one")


def files_of(source):
    """The images of a path, a list: the file itself, or those that lie in the folder.

    Raises:
        InputError: there are none, or two of one stem, whose results would be one file.
    """
    from tfgan.data.listing import images_in

    if not source.is_dir():
        if not source.is_file():
            raise InputError(f"there is no image {source}")
        return [source]
    files = images_in(source)
    if not files:
        raise InputError(f"there are no images in the folder {source}")
    for stem, count in Counter(path.stem for path in files).items():
        if count > 1:
            same = ", ".join(path.name for path in files if path.stem == stem)
            raise InputError(f"{source} has {count} images of one name: {same}. Rename one")
    return files


def masks_of(files, mask):
    """The mask of each file, a list of paths, or of None where there are none.

    Args:
        files: the images.
        mask: an image, which is for all; a folder with one of the same stem for each; or None.

    Raises:
        InputError: one is missing.
    """
    if mask is None:
        return [None] * len(files)
    if not mask.is_dir():
        if not mask.is_file():
            raise InputError(f"there is no mask {mask}")
        return [mask] * len(files)
    masks = {path.stem: path for path in files_of(mask)}
    for path in files:
        if path.stem not in masks:
            raise InputError(f"there is no mask for {path.name} in the folder {mask}")
    return [masks[path.stem] for path in files]


def signature_of(model, direction, mask):
    """The `Signature` that translates.

    Args:
        model: an `ExportedModel`.
        direction, mask: as in `translate`.

    Raises:
        InputError: the model has no such signature, or its images no size that files can have.
    """
    from tfgan.data.image_files import MODES

    default = model.signatures.get("serving_default")
    if default is None or not {"images"} <= default.inputs.keys() & default.outputs.keys():
        raise InputError(f"{model.path} translates no images: leave --input out")
    if direction and "b_to_a" not in model.signatures:
        raise InputError(f"{model.path} translates in one direction: leave --direction out")
    signature = model.signatures["b_to_a"] if direction == "BtoA" else default
    if mask and "masks" not in signature.inputs:
        raise InputError(f"{model.path} fills no holes: leave --mask out")
    if "masks" in signature.inputs and not mask:
        raise InputError(
            f"{model.path} fills holes: pass --mask, an image that is white where to fill"
        )
    shape = signature.inputs["images"].shape[1:]
    if len(shape) != 3 or shape[-1] not in MODES or None in shape:
        raise InputError(f"{model.path} takes no gray or color images of one size, but {shape}")
    return signature


def read(path):
    """A file's image, a Pillow image of 8 bits, turned as its EXIF data says.

    Raises:
        InputError: it cannot be read.
    """
    from tfgan.data.image_files import upright

    try:
        with Image.open(path) as image:
            return upright(image)
    # On damaged files Pillow's decoders raise nearly every kind of exception.
    except Exception as error:
        reason = " ".join(str(error).split())
        raise InputError(f"the image {path} cannot be read: {reason}") from error


def fitted(image, image_shape, background=WHITE):
    """An image as a model takes it, and what that did to it.

    Args:
        image: a Pillow image of any size and mode.
        image_shape: `(height, width, channels)`.
        background: what lies behind transparency where the model knows none.

    Returns:
        `(pixels, note)`: uint8 of that shape, and a text, which is empty where nothing was done.
    """
    from tfgan.data.image_files import MODES, mode_of, to_array

    height, width, channels = image_shape
    mode, wanted = mode_of(image), MODES[channels]
    done = []
    if image.size != (width, height):
        done.append("{}x{} -> {}x{}".format(*image.size, width, height))
    if mode != wanted:
        done.append(f"{KINDS[mode]} -> {KINDS[wanted]}")
    if mode == "RGBA" and mode != wanted:
        canvas = Image.new("RGBA", image.size, (background,) * 3 + (255,))
        canvas.alpha_composite(image.convert("RGBA"))
        image = canvas.convert("RGB")
    return to_array(image, image_shape), ", ".join(done)


def read_mask(mask, path, size, mask_shape):
    """A mask's file as float32 of a shape: 1 where to fill, which is where the file is white.

    Raises:
        InputError: it cannot be read, or is of another size than its image.
    """
    import numpy as np

    image = read(mask)
    if image.size != size:
        raise InputError(
            "a mask must be of its image's size. Received: {}x{} for {}, {}x{} for {}".format(
                *image.size, mask, *size, path
            )
        )
    pixels, _ = fitted(image, mask_shape, background=BLACK)
    return np.float32(pixels >= 128)


def print_notes(notes):
    """Prints what was done to images: to one by its name, to many of a folder in one line."""
    counts = Counter(note for note in notes.values() if note)
    for note, count in counts.items():
        one = next(path.name for path in notes if notes[path] == note)
        print(f"{one if count == 1 else f'{count} images'}: {note}")
