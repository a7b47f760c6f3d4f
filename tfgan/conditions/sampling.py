"""The conditions of generated images, so that they compare with real ones."""

import numpy as np

from tfgan.errors import InputError

# Names in a message.
_MOST_NAMED = 5
_ADVICE = "compare with images that have, or evaluate images that are drawn already"


def conditions_for(inputs, dataset, num):
    """The conditions of generated images that show what a data set's images show.

    A comparison of generated with real images is about the images alone where both have the same
    classes in the same shares: those of the real images of the comparison. Classes that come
    evenly, or as often as in other images, would be distinguished by the class.

    The data set's images are sorted by their condition, and every k-th gives its own. So each
    class comes with the data set's own frequency, rounded up or down to a whole number, and at
    `dataset.num_images` images exactly; attributes and captions likewise.

    Images whose condition the model does not know lend nothing: `notes_on` tells of them. Classes
    and attributes are matched by name, wherever they stand in the data set; see `_numbers_of`.

    Args:
        inputs: what the signature `from_seeds` takes, as `model_card.inputs_of_seeds` tells it.
        dataset: the `ImageDataset` that the images will be compared with.
        num: of images.

    Returns:
        What the signatures take besides seeds, arrays of length `num` by their names, in random
        order, always the same; empty for a model without a condition.

    Raises:
        InputError: the data set has no such labels, attributes or captions, or none that the model
            knows.
    """
    name = _name_of(inputs)
    if name is None:
        return {}
    values, order, is_known = _conditions_of(inputs, dataset)
    rows = order[is_known[order]]
    if not len(rows):
        raise InputError(
            f"none of the images of {dataset.name!r} shows what the model can be conditioned on"
            f"{_both_names(inputs, dataset)}"
        )
    places = ((np.arange(num) + 0.5) * len(rows) / num).astype(np.int64)
    return {name: values[np.random.default_rng(0).permutation(rows[places])]}


def balanced_conditions_for(inputs, dataset, num):
    """The conditions of as many images of one class as of another.

    To see whether it draws each class: a comparison with real images needs `conditions_for`.

    Args:
        inputs, num: as in `conditions_for`.
        dataset: an `ImageDataset`, whose classes are requested where the model knows them.

    Returns:
        `{"labels": int32 [num]}`, each class in turn; empty for other models.

    Raises:
        InputError: the data set has no labels, or none of the model's classes.
    """
    if not _draws_classes(inputs):
        return {}
    numbers = _numbers_of(inputs["labels"], dataset)
    present = np.unique(dataset.labels[dataset.labels >= 0])
    known = numbers[present][numbers[present] >= 0]
    if not len(known):
        raise InputError(
            f"the model draws none of the classes of {dataset.name!r}{_both_names(inputs, dataset)}"
        )
    return {"labels": np.resize(known, num).astype(np.int32)}


def images_by_class(draw, inputs, dataset, num):
    """As many images of one class as of another, for `label_agreement`.

    Args:
        draw: a function from conditions, such as `{"labels": int32 [num]}`, to images.
        inputs, dataset, num: as in `balanced_conditions_for`.

    Returns:
        `(images, classes)`: what `draw` returned, and the class that each image is conditioned
        on, int32 [num]; None for a model that does not draw classes.
    """
    conditions = balanced_conditions_for(inputs, dataset, num)
    return (draw(conditions), classes_in(conditions, inputs, dataset)) if conditions else None


def classes_in(conditions, inputs, dataset):
    """The class that each image is conditioned on, as a data set numbers its classes.

    Args:
        conditions: what `conditions_for` or `balanced_conditions_for` returned for the other two.

    Returns:
        int32 [N]; None where the condition is attributes, a text or nothing.
    """
    if not conditions or not _draws_classes(inputs):
        return None
    numbers = _numbers_of(inputs["labels"], dataset)
    place = {number: index for index, number in enumerate(numbers) if number >= 0}
    return np.array([place[label] for label in conditions["labels"]], np.int32)


def notes_on(inputs, dataset):
    """What of a data set a model cannot be conditioned on, and the reverse: a list of sentences.

    Args:
        inputs, dataset: as in `conditions_for`.
    """
    name = _name_of(inputs)
    if name is None:
        return []
    _, _, is_known = _conditions_of(inputs, dataset)
    notes = []
    if not is_known.all():
        unknown = np.unique(dataset.labels[~is_known]) if _draws_classes(inputs) else []
        # An image without a label has a negative one.
        unknown = [dataset.class_names[label] for label in unknown if label >= 0]
        which = f", the classes {_listed(unknown)}" if unknown else ""
        notes.append(
            f"{np.sum(~is_known):,} of the {len(is_known):,} real images show what the model "
            f"cannot be conditioned on{which}: they stay in the comparison, and the model draws "
            "the others in their proportions"
        )
    if _draws_classes(inputs):
        names = inputs["labels"].get("names")
        numbers = _numbers_of(inputs["labels"], dataset)
        if names is None and not _are_numbers(dataset.class_names):
            notes.append(
                "the model's card does not name its classes: they are taken in the order of "
                f"{dataset.name}'s, {_listed(dataset.class_names)}"
            )
        if names and not set(names) & set(dataset.class_names) and is_known.any():
            pairs = [
                f"{each} for {names[number]}"
                for each, number in zip(dataset.class_names, numbers)
                if number >= 0
            ]
            notes.append(
                f"the labels of {dataset.name} are none of the model's classes by name, and are "
                f"taken for their numbers: {_listed(pairs)}"
            )
        requested = set(numbers[np.unique(dataset.labels[is_known])])
        num_classes = inputs["labels"].get("num_classes") or len(names or ())
        missing = [each for each in range(num_classes) if each not in requested]
        if missing:
            words = [names[each] if names else str(each) for each in missing]
            notes.append(
                f"the real images have none of the model's classes {_listed(words)}: it is not "
                "conditioned on them"
            )
    return notes


def _name_of(inputs):
    """The signature's input that holds the condition, or None."""
    return next((name for name in ("texts", "labels") if name in inputs), None)


def _draws_classes(inputs):
    return "labels" in inputs and len(inputs["labels"]["shape"]) == 1


def _conditions_of(inputs, dataset):
    """The condition of each image of a data set, as a model takes it.

    Returns:
        `(values, order, is_known)`: what the model takes [N] or [N, A]; int64 [N], the images in
        the order of their conditions; and bool [N], whether the model knows them.
    """
    if "texts" in inputs:
        return _texts_of(inputs["texts"], dataset)
    if _draws_classes(inputs):
        numbers = _numbers_of(inputs["labels"], dataset)
        values = np.where(dataset.labels >= 0, numbers[dataset.labels], -1).astype(np.int32)
        return values, np.argsort(values, kind="stable"), values >= 0
    values = _attributes_of(inputs["labels"], dataset)
    return values, np.lexsort(values.T[::-1]), (values >= 0).all(axis=1)


def _numbers_of(labels, dataset):
    """The number by which a model knows each class of a data set: int64 [K], -1 where it does not.

    By name. A data set's classes that are none of the names but whole numbers are the model's
    numbers: labels of a file. Where the model's card has no names, classes that are whole numbers
    are, too, and others are taken in their order.

    Args:
        labels: of `model_card.inputs_of_seeds`.
        dataset: an `ImageDataset`.

    Raises:
        InputError: the data set has no labels; or has another number of classes, and neither side
            tells which they are.
    """
    classes = dataset.class_names
    if dataset.labels is None or classes is None:
        raise InputError(f"the model draws classes, and {dataset.name!r} has no labels: {_ADVICE}")
    names, num_classes = labels.get("names"), labels.get("num_classes")
    num_classes = len(names) if names else num_classes
    if names and (set(names) & set(classes) or not _are_numbers(classes)):
        number = {each: index for index, each in enumerate(names)}
        return np.array([number.get(each, -1) for each in classes], np.int64)
    if _are_numbers(classes):
        numbers = np.array([int(each) for each in classes], np.int64)
        return numbers if num_classes is None else np.where(numbers < num_classes, numbers, -1)
    if num_classes not in (None, len(classes)):
        raise InputError(
            f"the model draws {num_classes} classes without names, and {dataset.name!r} has "
            f"{len(classes)}: {_listed(classes)}. Give labels that are the model's numbers"
        )
    return np.arange(len(classes))


def _are_numbers(classes):
    return all(each.isdecimal() for each in classes)


def _attributes_of(labels, dataset):
    """The attributes of each image in a model's numbers: int32 [N, A], -1 where it knows none."""
    if dataset.attributes is None:
        raise InputError(f"the model draws attributes, and {dataset.name!r} has none: {_ADVICE}")
    names, theirs = labels.get("names"), dataset.attribute_names
    if not names or not theirs:
        values, width = np.asarray(dataset.attributes), labels["shape"][1]
        if width not in (None, values.shape[1]):
            raise InputError(
                f"the model draws {width} attributes, and {dataset.name!r} has {values.shape[1]}"
            )
        most = labels.get("num_classes")
        return values if most is None else np.where(values < np.array(most), values, -1)
    missing = [name for name in names if name not in theirs]
    if missing:
        raise InputError(
            f"the model draws the attributes {_listed(names)}, and {dataset.name!r} has "
            f"{_listed(theirs)}: it lacks {missing[0]!r}"
        )
    columns = []
    for name, categories in names.items():
        number = {category: index for index, category in enumerate(categories)}
        numbers = np.array([number.get(category, -1) for category in theirs[name]], np.int32)
        columns.append(numbers[dataset.attributes[:, list(theirs).index(name)]])
    return np.stack(columns, axis=1)


def _texts_of(texts, dataset):
    """As `_conditions_of`, of captions: one of the phrasings that the model knows, at random."""
    captions = dataset.with_captions().captions
    is_known = np.ones(captions.table.shape, bool)
    if texts.get("vocabulary"):
        from tfgan.conditions.text import words_of

        words = words_of(np.ravel(captions.table)).numpy()
        vocabulary, longest = {each.encode() for each in texts["vocabulary"]}, texts["length"]
        is_known = np.array(
            [0 < len(each) <= longest and vocabulary.issuperset(each) for each in words]
        ).reshape(captions.table.shape)
    chances = np.random.default_rng(0).random((dataset.num_images, captions.table.shape[1]))
    phrasing = np.argmax(chances * is_known[captions.rows], axis=1)
    values = captions.table[captions.rows, phrasing]
    order = np.argsort(captions.rows, kind="stable")
    return values, order, is_known[captions.rows, phrasing]


def _both_names(inputs, dataset):
    """What the classes of both are, for a message; empty where they are not classes."""
    if not _draws_classes(inputs) or not inputs["labels"].get("names"):
        return ""
    return f". Its classes: {_listed(inputs['labels']['names'])}; the images' classes: " + (
        _listed(dataset.class_names)
    )


def _listed(names):
    names = list(map(str, names))
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
