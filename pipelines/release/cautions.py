"""The cautions of a release: those of the sources, and those that this build itself gives rise to."""

from __future__ import annotations

from typing import Any

from pipelines.archive.decisions import Exemption
from pipelines.catalog.lineage import Lineage
from pipelines.catalog.source import Source
from pipelines.core.problem import Phrase
from pipelines.core.types import Realm
from pipelines.quality.verdict import Verdict
from pipelines.status.account import Account, broken


def late_cautions_sql(freshness: str) -> str:
    """SQL of a caution for each row of the stored facts that is late by that freshness, whenever it is read."""
    whole, part = "strftime(last_period, '%Y-%m')", "strftime(furthest_period, '%Y-%m')"
    return f"""
        select
            concat('late_', source_id) as code,
            concat(
                title_en, ': this source is overdue since ', next_expected, '. Its newest period is ', {whole},
                if(furthest_period > last_period, concat(', of parts of it ', {part}), ''),
                '. That nothing newer is here says nothing about what happened since. See whether the agency has '
                'more: ', landing_page
            ) as text_en,
            concat(
                title_es, ': esta fuente está atrasada desde el ', next_expected,
                '. Su periodo más reciente es ', {whole},
                if(furthest_period > last_period, concat(', y el de algunas partes ', {part}), ''),
                '. Que aquí no haya nada más nuevo no dice nada sobre lo ocurrido después. Vea si la fuente tiene '
                'más: ', landing_page
            ) as text_es,
            tables,
            source_id
        from meta.source_facts
        where {freshness} = 'late'
    """


def caution_rows(
    realm: Realm, accounts: list[Account], lineage: Lineage, without_mexico: list[str]
) -> list[dict[str, Any]]:
    """Cautions of the sources' YAML and of the table files, and those that this build itself gives rise to; lateness
    comes with the day.

    without_mexico: names of the tables by jurisdiction that have no Mexican row.
    """
    rows: list[dict[str, Any]] = []
    if realm == "sample":
        rows.append(
            {
                "code": "sample_release",
                "text_en": "SAMPLE: every figure of this release is generated and proves nothing.",
                "text_es": "MUESTRA (SAMPLE): todas las cifras de esta versión son generadas y no prueban nada.",
                # By name: who asks for the cautions of a table must be told.
                "tables": sorted(lineage.tables),
                "source_id": None,
            }
        )
    if without_mexico:
        rows.append(
            {
                "code": "no_figures_of_mexico",
                "text_en": "Every figure here is of the United States: no Mexican source is released yet. That Mexico "
                "is absent says nothing about Mexico.",
                "text_es": "Todas las cifras son de Estados Unidos: aún no se publica ninguna fuente mexicana. Que "
                "México no figure nada dice sobre México.",
                "tables": without_mexico,
                "source_id": None,
            }
        )
        rows.append(
            {
                "code": "sesnsp_catalogue_2026",
                "text_en": "This release has no figures of SESNSP (Mexico's crime incidence). Who sets them beside "
                "these tables must not compare across January 2026: the catalogue of common crimes (fuero común) goes "
                "from 98 to 114 categories a state, narcomenudeo (retail drug dealing) is split into several, and keys "
                "get leading zeros.",
                "text_es": "Esta versión no tiene cifras del SESNSP (incidencia delictiva de México). Quien las ponga "
                "junto a estas tablas no debe comparar a través de enero de 2026: el catálogo del fuero común pasa de "
                "98 a 114 categorías por estado, el narcomenudeo se divide en varias y las claves llevan ceros a la "
                "izquierda.",
                "tables": without_mexico,
                "source_id": None,
            }
        )
    for account in accounts:
        source, tables = account.source, lineage.concerned(account.source)
        rows += [_caution(c.code, c.text.en, c.text.es, about, source) for c, about in lineage.cautions(source)]
        for verdict in account.held:
            text = Phrase.of("caution.held", day=verdict.vintage, title=source.title, found=verdict.holding)
            rows.append(_worded(f"held_{source.id}_{verdict.archive_id}", text, tables, source))
        rows += [_exception(source, tables, verdict, entry) for verdict, entry in account.exceptions]
        if account.is_uneven:
            rows.append(_uneven(account, tables))
        for vintage in account.vintages:
            if vintage["rejected"] and vintage["state"] != "held":
                text = Phrase.of("caution.rejected", day=vintage["vintage"], count=vintage["rejected"])
                rows.append(_worded(f"rejected_{source.id}_{vintage['archive_id']}", text, tables, source))
    return rows + [_caution(c.code, c.text.en, c.text.es, about, None) for c, about in lineage.own_cautions(None)]


def _exception(source: Source, tables: list[str], verdict: Verdict, entry: Exemption) -> dict[str, Any]:
    """The caution that a vintage failed checks and is in the tables all the same, with what they found."""
    text = Phrase.of(
        "caution.exception",
        day=verdict.vintage,
        title=source.title,
        decided=entry.accepted_at[:10],
        found=[Phrase.of("phrase.check_found", check=c.id, found=c.found) for c in broken(verdict)],
        reason=entry.reason.rstrip("."),
    )
    return _worded(f"exception_{source.id}_{verdict.vintage}", text, tables, source)


def _uneven(account: Account, tables: list[str]) -> dict[str, Any]:
    """The caution that parts of a source end earlier than others, with each part and its end, oldest first."""
    ends: dict[str, list[str]] = {}  # months, with the parts that end in each
    for part in account.parts:
        ends.setdefault(part["last_period"][:7], []).append(part["part"])
    newest, whole = f"{account.furthest_period:%Y-%m}", f"{account.last_period:%Y-%m}"
    at_the_end = [p["whole_until"] == p["last_period"] for p in account.parts if p["last_period"][:7] == newest]
    excerpt = any(p["whole_until"] for p in account.parts) and not any(at_the_end)
    if len(ends) == 1:
        told = Phrase.of("caution.only_excerpts", newest=newest, whole=whole)
    else:
        first, *others = ends
        parts = [Phrase.of("phrase.first_until", month=first, parts=ends[first])]
        for month in others:
            key = "phrase.excerpt_until" if excerpt and month == newest else "phrase.until"
            parts.append(Phrase.of(key, month=month, parts=ends[month]))
        told = Phrase.of("caution.parts_end", parts=parts)
    text = Phrase.of("caution.uneven", title=account.source.title, told=told, whole=whole)
    return _worded(f"uneven_{account.source.id}", text, tables, account.source)


def _worded(code: str, text: Phrase, tables: list[str], source: Source) -> dict[str, Any]:
    """A caution of a source. What an operator does about it is none of an analyst's business."""
    return _caution(code, text.said("en", advice=False), text.said("es", advice=False), tables, source)


def _caution(code: str, en: str, es: str, tables: list[str], source: Source | None) -> dict[str, Any]:
    return {"code": code, "text_en": en, "text_es": es, "tables": tables, "source_id": source.id if source else None}
