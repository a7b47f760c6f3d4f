"""What a finished run leaves: its exported version, whole, and images of how it came about."""

import shlex

from tfgan.errors import InputError


def publish(plan, model, samples, training):
    """Exports the model with its grid, its card and its metrics, and says where they are.

    Args:
        plan: the `Plan`.
        model: the trained model.
        samples: what its family's `samples` returned.
        training: what stands on the card of the training, a dict for JSON.

    Returns:
        The InputError because of which it was exported and not measured; None else.

    Raises:
        OSError: the disk is full or a folder cannot be written.
    """
    from tfgan.export import model_card
    from tfgan.export.saved_model import exporting
    from tfgan.files import atomic_file
    from tfgan.inference.exported_model import ExportedModel
    from tfgan.plotting import image_grid, save_curves

    folder = plan.folder
    report = failure = None
    with exporting(model, plan.model_folder, training) as draft:
        # By the exported model: the grid and the numbers are of what is served.
        exported = ExportedModel(
            draft.folder, plan.model_folder.name, draft.card, draft.saved_model
        )
        images, columns = samples.served(exported)
        grid = image_grid(images, columns)
        with atomic_file(folder.contact_sheet_file) as temporary:
            grid.save(temporary)
        # Those who are handed the model alone look at it, too.
        grid.save(draft.folder / model_card.CONTACT_SHEET_FILE)
        if plan.run.measure:
            try:
                report = measured(plan, exported)
            # What was trained is not to wait for numbers.
            except InputError as error:
                failure = error
    save_curves(folder.history_file, folder.curves_file, folder.quality_file, model.panels)
    names = ("step", "images", "seconds", "quality")
    result = {name: training[name] for name in names if name in training}
    folder.finish(result | {"saved_model": str(draft.version_folder)})
    print("", *lines_on(plan, model, draft, result), sep="\n")
    if report:
        print(f"\n{report}")
    return failure


def lines_on(plan, model, draft, result):
    """Where everything is, and what can be done with it, lines for a person.

    Args:
        plan: the `Plan`.
        model: the trained model.
        draft: the `Draft`, which has appeared.
        result: what the run folder keeps of the run.
    """
    from tfgan.export import model_card
    from tfgan.training.monitor.quality_monitor import describe_choice

    folder, model_folder, version_folder = plan.folder, plan.model_folder, draft.version_folder
    yield (
        f"exported {version_folder} (reloaded, it differs from the live model by at most "
        f"{draft.difference:.1g})"
    )
    if quality := result.get("quality"):
        yield f"quality  {describe_choice(quality, result['step'])}"
        for alarm in quality["alarms"]:
            yield f"alarm    {alarm['name']} since step {alarm['since']:,}, and still at the end"
    yield f"card     {version_folder / model_card.CARD_FILE}"
    yield f"images   {folder.contact_sheet_file}"
    yield f"curves   {folder.curves_file}"
    place = shlex.quote(str(model_folder))
    yield f"sample   python -m tfgan.generate {place} {plan.family.usage(model)}"
    yield (
        f"serve    tensorflow_model_server --rest_api_port=8501 "
        f"--model_name={shlex.quote(model_folder.name)} "
        f"--model_base_path={shlex.quote(str(model_folder.absolute()))}"
    )


def measure_exported(plan):
    """Measures the version that a finished run exported; its card keeps the numbers.

    Raises:
        InputError: it cannot be measured.
    """
    from tfgan.inference.exported_model import ExportedModel

    report = measured(plan, ExportedModel.load(plan.folder.exported))
    print(f"\n{report}")


def measured(plan, exported):
    """The report on an `ExportedModel`, whose card keeps the numbers."""
    from tfgan.export import model_card

    report = plan.family.measure(exported, plan.dataset, plan.held_out)
    model_card.add_metrics(exported.path, report)
    return report
