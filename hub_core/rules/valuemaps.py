"""A proposed value map: which option of a CRM field each hub value stands for."""

from __future__ import annotations

from collections.abc import Iterable

from hub_core.model.fields import FieldInfo
from hub_core.rules.normalise import fold


def suggest_value_map(values: Iterable[str], field: FieldInfo) -> dict[str, str | None]:
    """Hub values (a choice field's options, or what records hold) -> internal name of an active option, or None.

    A value fits an option whose internal name or label it equals, exactly or else after folding (case, accents,
    punctuation); an internal name wins over a label. What fits two options after folding fits none.
    """
    active = [option for option in field.options if option.active]
    exact = {option.label.strip(): option.value for option in active} | {
        option.value: option.value for option in active
    }
    by_name = _unambiguous((fold(option.value), option.value) for option in active)
    by_label = _unambiguous((fold(option.label), option.value) for option in active)

    def option_of(value: str) -> str | None:
        folded = fold(value)
        return exact.get(value.strip()) or by_name.get(folded) or by_label.get(folded)

    return {value: option_of(value) for value in dict.fromkeys(values) if value.strip()}


def _unambiguous(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for key, option in pairs:
        if key:
            found.setdefault(key, set()).add(option)
    return {key: options.pop() for key, options in found.items() if len(options) == 1}
