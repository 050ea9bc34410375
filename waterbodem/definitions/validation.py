"""Plain data into definitions; what is wrong with data is said by the keys that their author typed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from waterbodem.core.errors import DefinitionError, WaterbodemError, nearest, raise_all

D = TypeVar("D", bound=BaseModel)


def validated(kind: type[D], data: Mapping[str, Any], where: str, context: Mapping[str, Any] | None = None) -> D:
    """Validate plain data into a definition; ``context`` is what its validators are told.

    Raises
    ------
    DefinitionError
        Naming ``where`` and the key.
    """
    try:
        return kind.model_validate(data, context=context)
    except ValidationError as error:
        raise_all(complaints(error, kind, where))
        raise


#: What pydantic calls by the names of Python.
PLAIN = {
    "missing": "mandatory key is missing",
    "extra_forbidden": "unknown key",
    "tuple_type": "must be a list",
    "model_type": "must be a table",
    "dict_type": "must be a table",
    "mapping_type": "must be a table",
}


def complaints(
    error: ValidationError, model: type[BaseModel], where: str, kind: type[WaterbodemError] = DefinitionError
) -> list[WaterbodemError]:
    """Return one error per key that pydantic refused in data for a model."""
    return [_complaint(detail, model, where, kind) for detail in error.errors()]


def _complaint(
    detail: ErrorDetails, model: type[BaseModel], where: str, kind: type[WaterbodemError]
) -> WaterbodemError:
    key = ".".join(str(part) for part in detail["loc"])
    given = detail["input"]
    shown = None if isinstance(given, (dict, BaseModel)) or detail["type"] == "missing" else given
    what = PLAIN.get(detail["type"], detail["msg"].removeprefix("Value error, "))
    unknown = detail["type"] == "extra_forbidden"
    allowed = nearest(str(detail["loc"][-1]), _keys(model, detail["loc"][:-1])) if unknown else ""
    return kind(what, value=shown, allowed=allowed, where=f"{where}: {key}" if key else where)


def _keys(model: type[BaseModel], path: Iterable[int | str]) -> list[str]:
    """Return the keys of the table that a path leads to; a part that is no key of it stands in a list or a mapping."""
    for part in path:
        fields = {name: f for n, f in model.model_fields.items() for name in (n, f.alias)}
        model = _model_in(fields[part].annotation) or model if part in fields else model
    return [f.alias or n for n, f in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model that an annotation holds, as such or within a list, a mapping or a choice."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((m for m in map(_model_in, get_args(annotation)) if m), None)
