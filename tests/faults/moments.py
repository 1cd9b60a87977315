"""The moments at which a refresh is killed: what it is about to do, stage by stage.

What belongs here: names of moments and how they are seen from outside. What does not: killing (processes), what
must hold afterwards (test_killed_refresh). Each moment is an audit event of the Python interpreter; it comes before
the thing happens.
"""

from __future__ import annotations

from tests.faults.processes import Moment

NEW = "2026-01-15"
"""The vintage of CBP seizures that is new to the refreshes that are killed."""
NEW_VINTAGES = [("cbp_drug_seizures", NEW), ("cdc_vsrr_overdose", "2026-01-14")]
CLEAN, QUALITY, HISTORY = "clean/sample/cbp_drug_seizures", "quality/sample/cbp_drug_seizures", "history/sample"
MOMENTS: dict[str, list[Moment]] = {
    "start": [
        Moment("Dagster is imported", "import", "^dagster "),
        Moment("Great Expectations is imported beside it", "import", "^great_expectations "),
        Moment("the run is registered", "open", r"/running/[0-9a-f-]{36}\.lock"),
        Moment("the log is opened", "open", "refresh.log w"),
    ],
    "ingest": [
        Moment("the new vintage's folder is made", "os.mkdir", rf"cbp_drug_seizures/\.{NEW}\.\w+\.part"),
        Moment("its file is copied", "open", rf"/\.{NEW}\.\w+\.part/.*csv\.gz w"),
        Moment("its receipt is written", "open", rf"/\.{NEW}\.\w+\.part/\.receipt"),
        Moment("it is made visible", "os.rename", rf"cbp_drug_seizures/\.{NEW}\.\w+\.part .*/{NEW} "),
        Moment("the report is renamed", "os.rename", r"ingest/sample/\.cbp_drug"),
    ],
    "clean": [
        Moment("the file is read", "open", rf"data_raw/sample/cbp_drug_seizures/{NEW}/\S+csv\.gz r ", seconds=0.05),
        Moment("clean rows are written", "open", rf"{CLEAN}/{NEW}/\.clean\.parquet\S+ r\+"),
        Moment("rejected rows are renamed", "os.rename", rf"{CLEAN}/{NEW}/\.rejected"),
        Moment("clean rows are renamed", "os.rename", rf"{CLEAN}/{NEW}/\.clean"),
        Moment("the account is renamed", "os.rename", rf"{CLEAN}/{NEW}/\.summary"),
    ],
    "Great Expectations": [
        Moment("it is imported", "import", "^great_expectations.expectations.core "),
        Moment("its results are put together", "import", "^great_expectations.render"),
        Moment("a page is rendered", "open", "templates/page.j2 r"),
        Moment("the page of the rows is written", "open", rf"{QUALITY}/{NEW}__rows.html w"),
        Moment("the page of magnitudes is written", "open", rf"{QUALITY}/{NEW}__magnitude.html w"),
        Moment("the verdict is renamed", "os.rename", rf"{QUALITY}/\.{NEW}\.json"),
    ],
    "history": [
        Moment("states are renamed", "os.rename", rf"{HISTORY}/\.cbp_drug_seizures\.parquet"),
        Moment("the coverage of one source is renamed", "os.rename", rf"{HISTORY}/\.cbp_drug_seizures\.coverage"),
        Moment("the account is renamed", "os.rename", rf"{HISTORY}/\.cbp_drug_seizures\.json"),
        Moment("the coverage of all is renamed", "os.rename", rf"{HISTORY}/\.coverage"),
    ],
    "dbt": [
        Moment("the build is marked as incomplete", "os.rename", r"build/sample/\.state\.json"),
        Moment("its project is parsed", "open", r"partial_parse\.msgpack w"),
        Moment("a fact is built", "open", r"/run/\S+/border_crossings_monthly\.sql w"),
        Moment("a table is being written", "open", r"/run/\S+/overdose_deaths_12mo\.sql w", seconds=0.2),
        Moment("a table is tested", "open", r"/run/\S+/unique_key_\S+\.sql w", 5),
        Moment("a statistic is remembered", "os.rename", r"build/sample/remembered/\.\S+\.parquet"),
        Moment("its results are read", "open", r"run_results\.json r"),
    ],
    "assembly": [
        Moment("the release's folder is made", "os.mkdir", r"releases/\.\S+\.part 511"),
        Moment("tables are copied", "os.mkdir", r"releases/\.\S+\.part 511", seconds=0.3),
    ],
    "export": [
        Moment("a table is exported", "os.mkdir", r"\.part/parquet/marts 511", 7),
        Moment("pages are copied", "open", r"\.part/data_docs/\S+html w", 20),
        Moment("the description is written", "open", r"\.part/datapackage\.json w"),
    ],
    "publish": [
        Moment("the manifest is renamed", "os.rename", r"\.part/\.manifest\.json"),
        Moment("the release is made visible", "os.rename", r"releases/\.\S+\.part \S+releases/2"),
        Moment("the new link is made", "os.symlink", r"\.current\."),
        Moment("the link is swapped", "os.rename", r"/\.current\.\S+ \S+/current"),
    ],
    "retention": [
        Moment("an old release is hidden", "os.rename", r"\.gone"),
        Moment("it is deleted", "os.remove", r"^drugflow\.duckdb"),
        Moment("what was refreshed is noted", "os.rename", r"/\.refresh-sample\.json"),
    ],
}
