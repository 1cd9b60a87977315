"""Wording: the one place that makes a sentence of a key and its values, in the languages of the catalogue.

What belongs here: reading the catalogue (messages/<language>/LC_MESSAGES/drugflow.po), the forms of numbers and lists.
What does not: which key says what, or when (problem, console, alerts). Keys are stable ids; English stands in the
catalogue as Spanish does. babel is imported with the first sentence, because it costs 30 ms.

Placeholders name values; after a colon stands how a value is written:

``number``     with the language's separators: 12,345
``list``       with commas between them; ``or``, ``and``: with the language's word before the last
``sentences``  one after another; ``semicolons``: with semicolons between them; ``alternatives``: with "; or"
``percent``    a share, to a hundredth of a percent because bounds are as close: 94.99%
``quoted``     in quotes, escaped; ``shown``: the same, cut after 80 characters
anything else  as Python's format writes it
"""

from __future__ import annotations

import os
import string
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal, Protocol, get_args, runtime_checkable

Language = Literal["en", "es"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
VARIABLE = "DRUGFLOW_LANGUAGE"
MESSAGES = Path(__file__).parent / "messages"
ADVICE = ".advice"
"""End of the key of what to do about a problem; the part before it is the problem's kind."""
_LOCALES: dict[Language, str] = {"en": "en_US", "es": "es_MX"}
_SHOWN = 80
"""Characters of a value that a sentence quotes."""


@runtime_checkable
class Sayable(Protocol):
    """A value that has words of its own in every language."""

    def said(self, language: Language, advice: bool = True) -> str:
        """Its words; advice: with what to do."""
        ...


def installation_language() -> Language:
    """The language of this installation: that of DRUGFLOW_LANGUAGE, else English."""
    return next((known for known in LANGUAGES if known == os.environ.get(VARIABLE)), "en")


@cache
def catalogue(language: Language) -> Mapping[str, tuple[str, ...]]:
    """The texts of a language by key: one, or one for each plural form."""
    from babel.messages.pofile import read_po

    with (MESSAGES / language / "LC_MESSAGES" / "drugflow.po").open("rb") as handle:
        entries = [(m.id, m.string) for m in read_po(handle) if m.id]
    return {
        key if isinstance(key, str) else key[0]: (text,) if isinstance(text, str) else tuple(text or ())
        for key, text in entries
    }


def knows(key: str) -> bool:
    """Whether the catalogue has the key."""
    return key in catalogue("en")


def say(
    key: str,
    values: Mapping[str, Any],
    language: Language | None = None,
    advice: bool = True,
    escape: Callable[[str], str] = str,
) -> str:
    """The text of a key with its values, in the installation's language unless another is named.

    advice: whether problems among the values say what to do. escape: what is done to each value's text, such as
    keeping a terminal from reading markup in it. A text with plural forms counts the value named count.
    Raises KeyError for a key or a value that is not there.
    """
    chosen = language or installation_language()
    forms = catalogue(chosen)[key]
    text = forms[0] if len(forms) == 1 else forms[_plural(values["count"], chosen, len(forms))]
    return _Formatter(chosen, advice, escape).vformat(text, (), values)


def _plural(count: Any, language: Language, forms: int) -> int:
    from babel import Locale

    return 0 if Locale.parse(_LOCALES[language]).plural_form(count) == "one" else forms - 1


class _Formatter(string.Formatter):
    """Python's format with the forms that the module's docstring lists."""

    def __init__(self, language: Language, advice: bool, escape: Callable[[str], str]):
        self._language, self._advice, self._escape = language, advice, escape

    def format_field(self, value: Any, format_spec: str) -> str:
        return self._escape(self._written(value, format_spec))

    def _written(self, value: Any, form: str) -> str:
        if isinstance(value, Sayable):
            return value.said(self._language, self._advice)
        if isinstance(value, Sequence) and not isinstance(value, str):
            return self._joined([self._written(v, "") for v in value], form)
        if form == "number":
            from babel.numbers import format_decimal

            return str(format_decimal(value, locale=_LOCALES[self._language]))
        if form == "percent":
            from babel.numbers import format_percent

            return str(format_percent(value, format="#,##0.##%", locale=_LOCALES[self._language]))
        if form == "quoted":
            return repr(value)
        if form == "shown":
            return self._shown(str(value))
        return format(value, form) if value is not None and form not in ("list", "or", "and") else str(value)

    def _joined(self, texts: list[str], form: str) -> str:
        if form in ("or", "and"):
            from babel.lists import format_list

            style: Any = "or" if form == "or" else "standard"
            return str(format_list(texts, style, _LOCALES[self._language]))
        if form == "alternatives":
            return say("phrase.between_alternatives", {}, self._language).join(texts)
        return {"sentences": " ", "semicolons": "; "}.get(form, ", ").join(texts)

    def _shown(self, value: str) -> str:
        if len(value) <= _SHOWN:
            return repr(value)
        return say("phrase.cut", {"text": value[:_SHOWN], "characters": len(value)}, self._language)
