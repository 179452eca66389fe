"""Typer's parameters, made from the options that a dataclass declares."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from mpn_cli.options.declaring import Declared, DeclaredOption, options_of


def with_options(declared: type[Declared]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Offer a dataclass's options on the command line, in place of a parameter ``options``.

    The function is given a dict of them; those that were not on the command line are None, so that
    files and variables can have their say (:func:`mpn_cli.options.layers.resolve`).
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        options = options_of(declared)
        signature = inspect.signature(function, eval_str=True)
        parameters: list[inspect.Parameter] = []
        for parameter in signature.parameters.values():
            own = parameter.name != "options"
            parameters += [parameter] if own else [_parameter(option) for option in options]

        @functools.wraps(function)
        def command(**values: Any) -> None:
            given = {option.name: values.pop(option.name) for option in options}
            function(**values, options=given)

        command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        command.__annotations__ = {one.name: one.annotation for one in parameters}
        return command

    return decorate


def _parameter(option: DeclaredOption) -> inspect.Parameter:
    names = option.option.names
    if option.plain is bool and not names:
        names = (option.flag,)
    offered = typer.Option(
        *names,
        help=option.option.help,
        show_default=option.shown or False,
        rich_help_panel=option.option.panel,
    )
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[option.plain | None, offered],
    )
