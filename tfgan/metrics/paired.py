"""How near images come to their targets: a number for each image.

Images are float [N, H, W, C] in [0, 1]. Masks are [N, H, W, 1], 1 in the holes that were filled
and 0 where pixels were known; with them only what lies in the holes counts.
"""

import numpy as np

from tfgan.errors import InputError

# Of an image that differs from its target only by being rounded to 256 levels, uniformly.
ROUNDING_ERROR = 1 / (12 * 255**2)

# Wang et al. 2004, section III.B: an 11x11 window with a Gaussian of this width.
_WINDOW = 11


def l1(images, targets, masks=None):
    """The mean absolute difference, float64 [N] in [0, 1].

    Args:
        images, targets, masks: As above.

    Raises:
        InputError: Images that do not fit together or lie outside [0, 1], a mask without a hole.
    """
    images, targets = _checked(images, targets)
    return _mean(np.abs(images - targets), masks)


def psnr(images, targets, masks=None):
    """The peak signal-to-noise ratio, float64 [N] in decibels: -10 log10 of the mean square.

    At most 58.9, that of `ROUNDING_ERROR`: nearer than that is no nearer once it is stored, and of
    equal images the logarithm would be infinite, and so would every mean.

    Args:
        images, targets, masks: As above.

    Raises:
        InputError: As in `l1`.
    """
    images, targets = _checked(images, targets)
    squares = _mean((images - targets) ** 2, masks)
    return -10 * np.log10(np.maximum(squares, ROUNDING_ERROR))


def ssim(images, targets):
    """The structural similarity, float64 [N] in [-1, 1], the mean over windows and channels.

    Args:
        images, targets: As above.

    Raises:
        InputError: As in `l1`; sides below 3.

    Reference:
        Wang et al. 2004, "Image quality assessment: from error visibility to structural
        similarity"; there the window is 11x11, see `ssim_window`.
    """
    import tensorflow as tf

    images, targets = _checked(images, targets)
    scores = tf.image.ssim(
        tf.constant(images, tf.float32),
        tf.constant(targets, tf.float32),
        max_val=1.0,
        filter_size=ssim_window(images.shape[1:3]),
    )
    return scores.numpy().astype(np.float64)


def ssim_window(size):
    """The side of the window that `ssim` takes: 11, or the largest odd one that fits in.

    Args:
        size: (height, width).

    Raises:
        InputError: A side below 3.
    """
    side = min(size)
    if side < 3:
        raise InputError(f"SSIM needs images of at least 3x3. Received: {size[0]}x{size[1]}.")
    return min(_WINDOW, side - (side + 1) % 2)


def paired_scores(images, targets, masks=None):
    """All of these, and where there are masks also within the holes.

    SSIM knows no holes, whose borders its windows would cross.

    Args:
        images, targets, masks: As above.

    Returns:
        A dict of float64 [N]: `l1`, `psnr`, `ssim`; with masks also `hole_l1`, `hole_psnr`.

    Raises:
        InputError: As in `l1`.
    """
    scores = {
        "l1": l1(images, targets),
        "psnr": psnr(images, targets),
        "ssim": ssim(images, targets),
    }
    if masks is None:
        return scores
    return scores | {
        "hole_l1": l1(images, targets, masks),
        "hole_psnr": psnr(images, targets, masks),
    }


def _checked(images, targets):
    images, targets = np.asarray(images, np.float64), np.asarray(targets, np.float64)
    if images.ndim != 4 or not len(images) or images.shape != targets.shape:
        raise InputError(
            "images and their targets must be of one shape [N, H, W, C]. "
            f"Received: {images.shape} and {targets.shape}"
        )
    for each in (images, targets):
        low, high = each.min(), each.max()
        if not (low >= 0 and high <= 1):
            raise InputError(f"images must lie in [0, 1]. Received: [{low:.3g}, {high:.3g}]")
    return images, targets


def _mean(differences, masks):
    """The mean of each image's pixels, float64 [N, H, W, C], or of those in its holes."""
    if masks is None:
        return differences.mean(axis=(1, 2, 3))
    masks = np.asarray(masks, np.float64)
    if masks.shape != (*differences.shape[:3], 1) or not np.isin(masks, (0, 1)).all():
        raise InputError(
            f"masks must be 0 or 1 and of shape {(*differences.shape[:3], 1)}. Received: "
            f"{masks.shape}, [{masks.min():.3g}, {masks.max():.3g}]"
        )
    pixels = masks.sum(axis=(1, 2, 3))
    if not pixels.all():
        raise InputError(
            f"every mask must have a hole. Received: {np.sum(pixels == 0)} of {len(masks)} without"
        )
    return (differences * masks).sum(axis=(1, 2, 3)) / (pixels * differences.shape[-1])
