"""The seeds: facts that no data file brings, each checked against something that was not made from them."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path

import duckdb
import pytest
import yaml

from pipelines.catalog.dictionary import load_dictionary
from pipelines.catalog.load import load_catalog

SEEDS = Path(__file__).resolve().parents[3] / "dbt_project" / "seeds"
KEYS = {
    "drugs": "drug_id",
    "areas": "area_id",
    "corridors": "corridor_id",
    "jurisdictions": "jurisdiction_id",
    "indicators": "indicator_id",
    "measures": "measure_id",
}
ABROAD_OR_WITHOUT_FIGURES = {"US-VI"}
"""A territory that two areas cover and no source has figures for."""


def rows(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def items(cell: str) -> list[str]:
    return cell.split("|") if cell else []


def accepted(table: str, column: str) -> list[str]:
    """The dictionary's list of values for one marts column."""
    (found,) = (t for t in load_dictionary() if t.full_name == f"marts.{table}")
    return next(c.check for c in found.columns if c.name == column)


def categories(source: str, column: str) -> set[str]:
    """The ids that a source's YAML gives to the publisher's values."""
    (found,) = (c for c in load_catalog()[source].columns if c.id == column)
    return set((found.categories or {}).values())


@pytest.mark.parametrize(("name", "key"), KEYS.items())
def test_ids_are_unique_and_plain(name: str, key: str) -> None:
    ids = [row[key] for row in rows(name)]
    assert [i for i, n in Counter(ids).items() if n > 1] == []
    form = r"(US|US-[A-Z]{2}|US-NYC|US-NY-XNYC|MX-[A-Z]{3})" if name == "jurisdictions" else r"[a-z][a-z0-9_]*"
    assert [i for i in ids if not re.fullmatch(form, i)] == []


@pytest.mark.parametrize("path", sorted(SEEDS.glob("*.csv")), ids=lambda p: p.stem)
def test_every_column_has_a_declared_type(path: Path) -> None:
    """Without one, dbt reads 04 as the number 4."""
    (seed,) = (s for s in yaml.safe_load((SEEDS / "_seeds.yml").read_text("utf-8"))["seeds"] if s["name"] == path.stem)
    with path.open(encoding="utf-8", newline="") as handle:
        header = next(csv.reader(handle))
    types = seed["config"]["column_types"]
    assert list(types) == header
    assert [c["name"] for c in seed["columns"]] == header
    codes = [c for c in header if c.endswith(("_id", "_code")) or c in ("fips", "inegi", "icd10")]
    assert {types[c] for c in codes} <= {"varchar"}
    assert seed["description"]


@pytest.mark.parametrize("name", KEYS)
def test_cells_have_no_outer_space(name: str) -> None:
    assert [r for r in rows(name) if any(v != v.strip() or "  " in v for v in r.values())] == []


def test_there_are_41_areas_with_one_component_and_region_each() -> None:
    areas = rows("areas")
    assert Counter((a["component"], a["region"]) for a in areas) == {
        ("OFO", "southwest"): 4,
        ("USBP", "southwest"): 9,
        ("OFO", "northern"): 5,
        ("USBP", "northern"): 8,
        ("OFO", "coastal_interior"): 12,
        ("USBP", "coastal_interior"): 3,
    }
    kinds = {"OFO": "field_office", "USBP": "sector"}
    assert [a["area_id"] for a in areas if not a["area_id"].endswith(kinds[a["component"]])] == []


def test_areas_are_those_of_the_source() -> None:
    assert {a["area_id"] for a in rows("areas")} == categories("cbp_drug_seizures", "area_id")


def test_areas_agree_with_the_published_file(mirror: Path) -> None:
    file = mirror / "cbp_drug_seizures" / "2026-01-15" / "nationwide-drugs-fy23-fy26-dec.csv"
    published = duckdb.sql(
        f"""
        select distinct
            replace(lower("Area of Responsibility"), ' ', '_'),
            case "Component" when 'U.S. Border Patrol' then 'USBP' else 'OFO' end,
            case "Region"
                when 'Southwest Border' then 'southwest' when 'Northern Border' then 'northern'
                else 'coastal_interior'
            end
        from read_csv('{file}', all_varchar = true)
        """
    ).fetchall()
    assert {(a["area_id"], a["component"], a["region"]) for a in rows("areas")} == set(published)


def test_corridors_hold_exactly_the_13_southwest_areas() -> None:
    areas = {a["area_id"]: a for a in rows("areas")}
    held = {area: c["corridor_id"] for c in rows("corridors") for area in [c["field_office"], *items(c["sectors"])]}
    assert len(held) == 13
    assert held == {a: areas[a]["corridor_id"] for a in areas if areas[a]["region"] == "southwest"}
    assert [a for a in areas if areas[a]["region"] != "southwest" and areas[a]["corridor_id"]] == []
    assert all(areas[c["field_office"]]["component"] == "OFO" for c in rows("corridors"))
    assert all(areas[s]["component"] == "USBP" for c in rows("corridors") for s in items(c["sectors"]))


def test_corridors_run_from_west_to_east() -> None:
    corridors = [(c["position"], c["corridor_id"]) for c in rows("corridors")]
    assert corridors == [("1", "san_diego"), ("2", "tucson"), ("3", "el_paso"), ("4", "laredo")]
    assert [i for _, i in corridors] == accepted("dim_corridor", "corridor_id")


def test_corridors_have_their_border_states() -> None:
    assert {c["corridor_id"]: (c["us_states"], c["mx_states"]) for c in rows("corridors")} == {
        "san_diego": ("US-CA", "MX-BCN"),
        "tucson": ("US-AZ", "MX-SON"),
        "el_paso": ("US-NM|US-TX", "MX-CHH"),
        "laredo": ("US-TX", "MX-COA|MX-NLE|MX-TAM"),
    }


def test_corridors_say_that_the_sectors_are_our_inference() -> None:
    assert all("Sectors: inference of this project" in c["source"] for c in rows("corridors"))


def test_state_allocation_is_what_the_states_say() -> None:
    count = {"none": {0}, "single": {1}, "split": set(range(2, 10))}
    assert [a for a in rows("areas") if len(items(a["states"])) not in count[a["state_allocation"]]] == []


def test_areas_over_a_state_line_are_split() -> None:
    areas = {a["area_id"]: (a["state_allocation"], a["states"]) for a in rows("areas")}
    assert areas["yuma_sector"] == ("split", "US-AZ|US-CA")
    assert areas["el_paso_sector"] == areas["el_paso_field_office"] == ("split", "US-NM|US-TX")
    assert areas["preclearance_field_office"] == ("none", "")


def test_states_of_areas_and_corridors_are_jurisdictions() -> None:
    known = {j["jurisdiction_id"] for j in rows("jurisdictions")} | ABROAD_OR_WITHOUT_FIGURES
    named = {s for a in rows("areas") for s in items(a["states"])}
    named |= {s for c in rows("corridors") for s in [*items(c["us_states"]), *items(c["mx_states"])]}
    assert named - known == set()


def test_areas_with_states_are_cited() -> None:
    cited = {
        re.sub(r"\W+", "_", line.split("|")[1].strip().lower())
        for line in (SEEDS / "README.md").read_text("utf-8").splitlines()
        if line.startswith("|") and line.rstrip().count("|") == 4
    }
    assert {a["area_id"] for a in rows("areas") if a["state_allocation"] != "none"} <= cited


def test_mexico_has_its_32_entities_once() -> None:
    mexico = [j for j in rows("jurisdictions") if j["country"] == "MX"]
    assert len(mexico) == 32
    assert sorted(j["inegi"] for j in mexico) == [f"{n:02d}" for n in range(1, 33)]
    assert {j["fips"] for j in mexico} == {""}
    ids = {j["jurisdiction_id"]: (j["inegi"], j["name_es"]) for j in mexico}
    assert ids["MX-CMX"] == ("09", "Ciudad de México")
    assert ids["MX-NLE"] == ("19", "Nuevo León")


def test_inegi_codes_agree_with_the_published_list(real_data: Path) -> None:
    with (real_data / "reference" / "cve_nom_estados.csv").open(encoding="utf-8", newline="") as handle:
        listed = {r["cve_ent"]: r["nombre_estado"] for r in csv.DictReader(handle) if r["cve_ent"] != "00"}
    assert {j["inegi"]: j["name_es"] for j in rows("jurisdictions") if j["country"] == "MX"} == listed


def test_the_united_states_have_50_states_dc_puerto_rico_and_new_york_in_parts() -> None:
    ids = {j["jurisdiction_id"] for j in rows("jurisdictions") if j["country"] == "US"}
    assert {"US", "US-DC", "US-PR", "US-NY", "US-NYC", "US-NY-XNYC"} < ids
    assert len([i for i in ids if re.fullmatch(r"US-[A-Z]{2}", i)]) == 52
    assert len(ids) == 55


def test_fips_codes_agree_with_the_published_map(real_data: Path) -> None:
    """us-atlas, made from the Census Bureau's cartographic boundaries; it also has small territories."""
    shapes = json.loads((real_data / "reference" / "states-10m.json").read_text("utf-8"))
    names = {g["id"]: g["properties"]["name"] for g in shapes["objects"]["states"]["geometries"]}
    ours = {j["fips"]: j["name_en"] for j in rows("jurisdictions") if j["fips"]}
    assert len(ours) == 52
    assert ours == {fips: names[fips] for fips in ours}


def test_26_is_michigan_and_sonora() -> None:
    jurisdictions = rows("jurisdictions")
    assert [j["jurisdiction_id"] for j in jurisdictions if j["fips"] == "26"] == ["US-MI"]
    assert [j["jurisdiction_id"] for j in jurisdictions if j["inegi"] == "26"] == ["MX-SON"]
    assert [j for j in jurisdictions if j["fips"] and j["inegi"]] == []


def test_codes_keep_their_leading_zeros() -> None:
    codes = [j[c] for j in rows("jurisdictions") for c in ("fips", "inegi") if j[c]]
    assert {len(c) for c in codes} == {2}


def test_states_have_spanish_names() -> None:
    names = {j["jurisdiction_id"]: j["name_es"] for j in rows("jurisdictions")}
    assert names["US-NM"] == "Nuevo México"
    assert names["US-NC"] == "Carolina del Norte"
    assert names["US-PA"] == "Pensilvania"
    assert names["US"] == "Estados Unidos"


def test_drugs_are_those_of_the_source_and_the_dictionary() -> None:
    ids = [d["drug_id"] for d in rows("drugs")]
    assert set(ids) == categories("cbp_drug_seizures", "drug_id")
    assert sorted(ids) == sorted(accepted("dim_drug", "drug_id"))
    assert {d["drug_class"] for d in rows("drugs")} == set(accepted("dim_drug", "drug_class"))


def test_indicators_are_those_of_the_source_and_the_dictionary() -> None:
    ids = {i["indicator_id"] for i in rows("indicators")}
    assert len(ids) == 11
    assert ids | {"percent_specified"} == categories("cdc_vsrr_overdose", "indicator")
    assert ids == set(accepted("dim_indicator", "indicator_id"))


def test_only_drug_classes_overlap() -> None:
    flags = {i["indicator_id"]: (i["is_drug_class"], i["overlaps"]) for i in rows("indicators")}
    totals = {"all_deaths": ("false", "false"), "drug_overdose": ("false", "false")}
    assert {i: f for i, f in flags.items() if f != ("true", "true")} == totals


def test_drug_classes_name_their_codes() -> None:
    codes = {i["indicator_id"]: i["icd10"] for i in rows("indicators")}
    assert codes["synthetic_opioids_t404"] == "T40.4"
    assert codes["psychostimulants_t436"] == "T43.6"
    assert [i for i, c in codes.items() if not c] == ["all_deaths"]


def test_measures_are_those_of_the_source_and_the_dictionary() -> None:
    ids = {m["measure_id"] for m in rows("measures")}
    assert len(ids) == 12
    assert ids == categories("bts_border_crossings", "measure_id")
    assert ids == set(accepted("border_crossings_monthly", "measure_id"))
