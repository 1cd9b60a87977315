"""Every kind of problem, by where it is found. Each has its words in both catalogues; a test holds them together."""

from __future__ import annotations

from typing import Literal

# fmt: off
Kind = Literal[
    # Any stage
    "as_told", "machine_refused", "document_damaged", "document_is_another",
    "output_gone", "output_changed",
    # The archive
    "reason_says_nothing", "file_is_the_sample", "sample_is_not_taken", "archived_file_gone", "archived_file_changed",
    "not_a_release_date", "release_date_in_future", "receipt_gone", "receipt_damaged", "file_changed_while_copied",
    # Origins: mirror, sample, folders of vintages
    "no_origin", "mirror_is_no_folder", "mirror_is_the_sample", "mirror_without_files", "vintage_not_taken",
    "vintage_is_no_folder", "no_data_file", "vintage_without_file", "vintage_json_is_no_json", "vintage_json_has",
    "vintage_json_coverage", "vintage_json_note", "vintage_json_scope", "two_files_of_a_name", "name_cannot_be_kept",
    # The agencies' sites
    "fetch_by_hand", "fetching_met_the_machine", "fetching_failed", "look_cannot_be_kept", "nothing_to_backfill",
    "another_process_fetches", "answer_announces_too_much", "answer_is_too_large", "answer_took_too_long",
    "too_many_redirects", "address_with_credentials", "host_not_listed", "answered_unchanged", "answered_refusal",
    "answered_captcha", "answered_busy", "answered_nothing", "no_answer_in_time", "answer_broke_off", "no_address",
    "look_took_too_long", "failed_until_the_limit", "tried_in_vain", "tried_and_asked_to_wait", "captcha_for_rules",
    "page_for_rules", "robots_disallow", "captcha_for_file", "captcha_for_answer", "captcha_for_links",
    "page_for_file", "download_of_another_kind", "download_is_empty", "download_is_short", "download_ends_in_a_line",
    "link_with_credentials", "link_in_no_month", "page_links_no_file", "link_of_a_month_to_come", "newest_link_gone",
    "older_files_not_archived", "no_day_is_free", "no_rows_updated_at", "rows_updated_at_to_come", "no_count_of_rows",
    "counts_differ", "columns_differ", "row_came_twice", "no_json", "proxy_cannot_be_used",
    # The catalogue of sources
    "no_description_of_a_source", "source_id_is_another", "no_such_source", "no_such_vintage",
    # Releases
    "vintage_held", "another_refresh_writes", "sample_over_official", "models_not_built_from_these",
    "checks_of_the_marts_failed", "histories_changed_meanwhile", "published_totals_do_not_hold", "contract_broken",
    "no_such_release", "nothing_to_roll_back_to", "nothing_released", "current_release_gone", "current_link_gone",
    "no_release_yet",
    # Reading a release: sql, diff, compare
    "no_format", "excel_needs_a_file", "no_folder_for_answer", "query_is_empty", "several_queries",
    "duckdb_cannot_answer", "column_has_no_form", "too_many_rows_for_excel", "no_manifest", "releases_of_two_realms",
    "database_of_release_gone", "no_release_before", "no_release_to_compare",
    # Alerts
    "no_apprise_address", "sending_failed", "message_not_taken", "no_address_for_alerts", "settings_cannot_be_used",
    # What to do (status, alerts)
    # Cautions that a build gives rise to
    # Outcomes and states of sources
    # The command line: refresh, status, archive
    # The command line: sources, sql, verify, diff, compare
    # Cleaning: files that cannot be read
    "cannot_be_unpacked", "unpacks_to_more_than", "unpacks_to_too_much", "zip_damaged", "zip_without_file",
    "zip_with_too_many_files", "path_leaves_folder", "path_cannot_be_printed", "zip_is_locked", "line_too_long",
    "carriage_returns_alone", "file_without_bytes", "file_empty", "workbook_not_expected", "unknown_column",
    "column_twice", "column_missing", "column_missing_of_none", "parquet_unreadable", "parquet_bomb",
    "column_of_nested_values", "columns_without_record", "header_without_record", "workbook_unreadable",
    "first_sheet_empty", "ends_in_first_line", "ends_in_a_line", "ends_without_footer", "header_unreadable",
    "first_line_empty", "other_separator", "zero_byte", "byte_is_not_utf8", "file_is_utf16", "file_of_another_kind",
    "answer_in_place_of_file", "other_layout", "other_layout_in_line",
    # Cleaning: records
    "no_record_is_left", "too_many_rejected", "scope_contradicted", "chunk_lost_records", "resolve_lost_rows",
    "vintage_lost_records", "cannot_be_read_now", "error_in_drugflow", "sample_in_the_archive",
    "archived_but_not_cleaned", "origin_cannot_be_read_now", "record_rejected", "category_unknown",
    # Quality: verdicts
    "checks_failed", "check_failed", "checks_also_failed", "retracted", "nothing_to_accept",
    "unreadable_cannot_be_accepted", "impossible_cannot_be_accepted", "retracted_already",
    # Building, explaining, refreshing, drafting a source
    "marts_not_built", "build_file_unreadable", "build_file_is_open", "nothing_built_yet", "histories_missing",
    "source_blocked", "dbt_project_changed", "nothing_accepted", "clean_rows_are_others", "no_record_on_line",
    "file_not_in_archive",
    "file_is_not_the_released", "seed_lacks_line", "quote_without_partner", "nothing_asked", "no_such_row",
    "several_rows_of", "several_rows", "no_such_table", "not_explained", "column_not_in_key", "no_column_of_key",
    "key_given_twice", "one_value_too_many", "value_is_no_month", "value_is_no_number", "archived_but_not_judged",
    "stepped_aside", "marts_folder_refused", "origin_not_chosen", "archive_is_empty", "nothing_published_until",
    "day_not_built", "runs_cannot_be_written", "refresh_ended_with", "release_stays", "step_without_reason",
    "steps_failed", "run_without_reason", "run_failed", "draft_from_no_file", "draft_from_parquet",
    "draft_from_nothing", "draft_other_separator", "draft_from_no_table", "draft_without_header",
    "draft_column_twice", "draft_without_row", "no_checkout", "no_id_of_a_source", "draft_is_there",
]
# fmt: on
