"""The cautions of a release: those of the sources, and those that this build itself gives rise to."""

from __future__ import annotations

from typing import Any

from pipelines.archive.decisions import Exemption
from pipelines.catalog.lineage import Lineage
from pipelines.catalog.source import Source
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
            rows.append(
                _caution(
                    f"held_{source.id}_{verdict.archive_id}",
                    f"The release of {verdict.vintage} of {source.title.en} is held back; figures are those "
                    f"of the vintages before it. Reason: {verdict.problem}",
                    f"La publicación del {verdict.vintage} de {source.title.es} está retenida; las cifras son "
                    f"las de las publicaciones anteriores. Motivo: {verdict.problem}",
                    tables,
                    source,
                )
            )
        rows += [_exception(source, tables, verdict, entry) for verdict, entry in account.exceptions]
        if account.is_uneven:
            rows.append(_uneven(account, tables))
        for vintage in account.vintages:
            if vintage["rejected"] and vintage["state"] != "held":
                rows.append(
                    _caution(
                        f"rejected_{source.id}_{vintage['archive_id']}",
                        f"{vintage['rejected']} records of the release of {vintage['vintage']} could not be read: its "
                        "figures may be undercounts.",
                        f"{vintage['rejected']} registros de la publicación del {vintage['vintage']} no se pudieron "
                        "leer: sus cifras pueden ser menores que las reales.",
                        tables,
                        source,
                    )
                )
    return rows + [_caution(c.code, c.text.en, c.text.es, about, None) for c, about in lineage.own_cautions(None)]


def _exception(source: Source, tables: list[str], verdict: Verdict, entry: Exemption) -> dict[str, Any]:
    """The caution that a vintage failed checks and is in the tables all the same, with what they found."""
    found = "; ".join(f"{c.id}: {c.detail}" for c in broken(verdict))
    title, day, reason = source.title, entry.accepted_at[:10], entry.reason.rstrip(".")
    return _caution(
        f"exception_{source.id}_{verdict.vintage}",
        f"The release of {verdict.vintage} of {title.en} failed checks and is in the tables by an exception of {day}. "
        f"Failed: {found}. Reason given: {reason}.",
        f"La publicación del {verdict.vintage} de {title.es} no pasó todos los controles y está en las tablas por una "
        f"excepción del {day}. Controles que no pasó: {found}. Motivo: {reason}.",
        tables,
        source,
    )


def _uneven(account: Account, tables: list[str]) -> dict[str, Any]:
    """The caution that parts of a source end earlier than others, with each part and its end, oldest first."""
    ends: dict[str, list[str]] = {}
    for part in account.parts:
        ends.setdefault(part["last_period"][:7], []).append(part["part"])
    newest, whole = f"{account.furthest_period:%Y-%m}", f"{account.last_period:%Y-%m}"
    at_the_end = [p["whole_until"] == p["last_period"] for p in account.parts if p["last_period"][:7] == newest]
    excerpt = any(p["whole_until"] for p in account.parts) and not any(at_the_end)
    if len(ends) == 1:
        en = f"Only excerpts go on to {newest}, complete releases end at {whole}"
        es = f"Sólo algunos extractos llegan a {newest}, las publicaciones completas terminan en {whole}"
    else:
        named = [(day, ", ".join(names), excerpt and day == newest) for day, names in ends.items()]
        en = "; ".join(f"until {day}{' (an excerpt)' if marked else ''}: {names}" for day, names, marked in named)
        es = "; ".join(f"hasta {day}{' (un extracto)' if marked else ''}: {names}" for day, names, marked in named)
    title = account.source.title
    return _caution(
        f"uneven_{account.source.id}",
        f"Not all of {title.en} is equally new. {_sentence(en)} Freshness goes by {whole}.",
        f"No todo en «{title.es}» es igual de reciente. {_sentence(es)} La vigencia se mide desde {whole}.",
        tables,
        account.source,
    )


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _caution(code: str, en: str, es: str, tables: list[str], source: Source | None) -> dict[str, Any]:
    return {"code": code, "text_en": en, "text_es": es, "tables": tables, "source_id": source.id if source else None}
