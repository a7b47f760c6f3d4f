"""Command-line flags out of the fields of dataclasses: one declaration per flag, where it is used.

A field may stand for a choice between several dataclasses, such as kinds of networks: its flag
names one of them, and only the flags of that one are there.
"""

import argparse
import dataclasses


def flag(default, help, type=None, choices=None, metavar=None, shown=None, **groups):
    """A dataclass field that is a flag.

    Args:
        default: its default; False makes a switch.
        help: what it is for, in a line; "(default: ...)" is added.
        type, choices, metavar: as in `argparse.ArgumentParser.add_argument`.
        shown: the default in words, where it is computed; "" shows none.
        **groups: `group`, the title under which `--help` lists it; `exclusive`, a name that is
            shared by flags of which one may be given.
    """
    metadata = {"help": help, "type": type, "choices": choices, "metavar": metavar, "shown": shown}
    return dataclasses.field(default=default, metadata=metadata | groups)


def chosen_flags(default, help, options):
    """A dataclass field that holds one of several dataclasses of flags, and whose flag names it.

    Args:
        default: the name of the one that is there unless another is requested.
        help: as in `flag`.
        options: dict from names to dataclasses.
    """
    metadata = {"help": help, "options": options, "default": default}
    return dataclasses.field(default_factory=options[default], metadata=metadata)


def add_flags(parser, config, argv, title=None):
    """Adds a flag to a parser for each field of a dataclass, and of those that it holds.

    Args:
        parser: an `argparse.ArgumentParser`.
        config: the dataclass.
        argv: the command line, which tells what is chosen.
        title: of the group of flags that name no other.
    """
    groups, exclusive = {}, {}
    for field in dataclasses.fields(config):
        meta = field.metadata
        if not meta:
            continue
        heading = meta.get("group", title)
        if heading not in groups:
            groups[heading] = parser.add_argument_group(heading)
        group = groups[heading]
        if name := meta.get("exclusive"):
            if name not in exclusive:
                exclusive[name] = group.add_mutually_exclusive_group()
            group = exclusive[name]
        if options := meta.get("options"):
            group.add_argument(
                flag_name(field.name),
                choices=options,
                default=meta["default"],
                help=f"{meta['help']} (default: {meta['default']})",
            )
            chosen = chosen_name(field, argv)
            add_flags(parser, options[chosen], argv, f"flags of {flag_name(field.name)} {chosen}")
        elif field.default is False:
            group.add_argument(flag_name(field.name), action="store_true", help=meta["help"])
        else:
            group.add_argument(
                flag_name(field.name),
                default=field.default,
                type=meta["type"],
                choices=meta["choices"],
                metavar=meta["metavar"],
                help=f"{meta['help']} {_shown(field)}".strip(),
            )


def _shown(field):
    default, shown = field.default, field.metadata["shown"]
    if shown is None:
        shown = f"{default:g}" if isinstance(default, float) else default
    return f"(default: {shown})" if shown != "" else ""


def flag_name(name):
    """The flag of a field."""
    return f"--{name.replace('_', '-')}"


def chosen_name(field, argv):
    """Which of the dataclasses that a field may hold a command line names; the default else."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument(flag_name(field.name), default=field.metadata["default"])
    try:
        name = getattr(parser.parse_known_args(argv)[0], field.name)
    except argparse.ArgumentError:
        name = None
    # Whatever is wrong with it, the parser of all flags says so.
    return name if name in field.metadata["options"] else field.metadata["default"]


def filled(config, values):
    """The dataclass with its fields' values.

    Args:
        config: the dataclass.
        values: dict from the names of fields to their values, as a parser or a JSON file has
            them: those of a held dataclass stand beside its name. Others are left alone; a field
            that is missing has its default.
    """
    filling = {}
    for field in dataclasses.fields(config):
        if field.name not in values:
            continue
        value = values[field.name]
        if options := field.metadata.get("options"):
            value = filled(options[value], values)
        filling[field.name] = tuple(value) if isinstance(value, list) else value
    return config(**filling)


def values_of(config):
    """What `filled` makes the dataclass of: a flat dict for JSON."""
    values = {}
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if options := field.metadata.get("options"):
            names = {option: name for name, option in options.items()}
            values |= {field.name: names[type(value)]} | values_of(value)
        else:
            values[field.name] = list(value) if isinstance(value, tuple) else value
    return values


def refuse_unused(given, chosen, field, refuse):
    """Refuses flags that something else than what was chosen uses, and says what.

    Args:
        given: flags that are not used, such as "--beta".
        chosen: dict from the names of choices to what was chosen.
        field: the field that everything was chosen by, as `chosen_flags` returned it.
        refuse: the parser's `error`.
    """
    for each in given:
        name = each.removeprefix("--").partition("=")[0].replace("-", "_")
        users = users_of(name, field)
        if users:
            choice = next((each for each in reversed(chosen) if each in users), field.name)
            words = [f"{flag_name(key)} {', '.join(names)}" for key, names in users.items()]
            refuse(
                f"{flag_name(name)} is not used by {flag_name(choice)} {chosen[choice]}, but by "
                f"{' and by '.join(words)}"
            )


def users_of(name, field):
    """Which of the dataclasses that a field may hold, and that these hold, have a flag.

    Returns:
        A dict from the names of choices to lists of what they are to be.
    """
    users = {}
    for option, config in field.metadata["options"].items():
        for each in dataclasses.fields(config):
            found = users_of(name, each) if "options" in each.metadata else {}
            if each.name == name:
                found = {field.name: [option]}
            for choice, options in found.items():
                users[choice] = list(dict.fromkeys([*users.get(choice, []), *options]))
    return users
