"""The asset graph as text, so that a changed graph is a change that a reviewer sees."""

from __future__ import annotations

import dagster as dg


def graph_text(definitions: dg.Definitions) -> str:
    """One line a fact: assets with group, what they stand on, their checks; jobs; schedules; sensors."""
    checks: dict[str, list[str]] = {}
    for asset in definitions.assets or []:
        for check in asset.check_specs if isinstance(asset, dg.AssetsDefinition) else ():
            checks.setdefault(check.asset_key.to_user_string(), []).append(check.name)
    lines = []
    for spec in sorted(definitions.resolve_all_asset_specs(), key=lambda s: s.key.to_user_string()):
        key = spec.key.to_user_string()
        lines.append(f"asset {key} ({spec.group_name})")
        lines += [f"  from  {d}" for d in sorted(d.asset_key.to_user_string() for d in spec.deps)]
        lines += [f"  check {name}" for name in sorted(checks.get(key, []))]
    for job in sorted(definitions.resolve_all_job_defs(), key=lambda j: j.name):
        if not job.name.startswith("__"):
            lines.append(f"job {job.name}: {len(list(job.asset_layer.executable_asset_keys))} assets")
    for schedule in definitions.schedules or []:
        if isinstance(schedule, dg.ScheduleDefinition):
            when = f"{schedule.cron_schedule} {schedule.execution_timezone}"
            lines.append(f"schedule {schedule.name}: job {schedule.job_name}, {when}, {schedule.default_status.value}")
    lines += [f"sensor {s.name}: {s.default_status.value}" for s in definitions.sensors or []]
    return "\n".join(lines) + "\n"
