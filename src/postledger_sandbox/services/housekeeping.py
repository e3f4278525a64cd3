# SPDX-License-Identifier: Apache-2.0
"""esTasks, esScheduler, esSystem, esAuditLog, esComments, esTest: what goes on in the installation."""

from __future__ import annotations

from postledger_sandbox.rules import background, letters, paging, quotas, rights
from postledger_sandbox.services import users
from postledger_sandbox.services.registry import Operations
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call, null_reference
from postledger_sandbox.wire.writing import DataSet

tasks = Operations("esTasks")
scheduler = Operations("esScheduler")
system = Operations("esSystem")
audit = Operations("esAuditLog")
comments = Operations("esComments")
trial = Operations("esTest")


# Tasks


def _task_info(task: Row) -> Row:
    return {
        **task,
        "Params": [],
        "Logs": [],
        "LastLogRecords": [],
        "Status": 1,
        "MaximumExecutionTime": -1,
        "FinishDate": task.get("FinishDate"),
    }


def _task(call: Call, task_id: str | None) -> Row | None:
    return next((task for task in call.store.tasks if task["TaskId"] == task_id), None)


def _tasks_of(call: Call, user_id: int, *, completed: bool) -> list[Row]:
    user = call.store.users.get(user_id)
    if not rights.has_user(call, user):
        return []
    return [
        _task_info(task)
        for task in call.store.tasks
        if task["Completed"] == completed
        and (task["UserId"] == user_id or (user_id == 1 and task["UserId"] == -1))
    ]


@tasks.act_as("GetTask", "GetTaskWithLogRecords")
def get_task(call: Call, task_id: str | None) -> Row | None:
    task = _task(call, task_id)
    return _task_info(task) if task else None


@tasks.act
def get_tasks_number(call: Call) -> int:
    return sum(
        not task["Completed"] and (call.caller.is_administrator or task["UserId"] == call.caller.user_id)
        for task in call.store.tasks
    )


@tasks.act
def get_user_tasks(call: Call, user_id: int) -> list[Row]:
    return _tasks_of(call, user_id, completed=False)


@tasks.act
def get_user_completed_tasks(call: Call, user_id: int) -> list[Row]:
    return _tasks_of(call, user_id, completed=True)


@tasks.act
def set_task_notify_on_complete(call: Call, task_id: str | None) -> None:
    task = _task(call, task_id)
    if task is not None:
        call.store.tasks.change(task, NotifyOnComplete=True)


@tasks.act
def stop_task(call: Call, task_id: str | None) -> None:
    task = _task(call, task_id)
    if task is not None and not task["Completed"]:
        call.store.tasks.change(task, Completed=True, FinishDate=call.now)


# Schedules

DISK, TRAFFIC, EXCHANGE_DISK = (
    "SCHEDULE_TASK_CALCULATE_PACKAGES_DISKSPACE",
    "SCHEDULE_TASK_CALCULATE_PACKAGES_BANDWIDTH",
    "SCHEDULE_TASK_CALCULATE_EXCHANGE_DISKSPACE",
)


def _schedule_row(call: Call, schedule: Row) -> Row:
    package = call.store.packages.get(schedule["PackageId"]) or {"UserId": 0}
    user = call.store.users.get(package["UserId"]) or {}
    return {
        "ScheduleID": schedule["ScheduleId"],
        "TaskID": schedule["TaskId"],
        "TaskType": schedule["TaskId"],
        "RoleID": 3,
        "PackageID": schedule["PackageId"],
        "PackageName": package.get("PackageName"),
        "ScheduleName": schedule["ScheduleName"],
        "ScheduleTypeID": schedule["ScheduleTypeId"],
        "Interval": schedule.get("Interval", 0),
        "FromTime": schedule["FromTime"],
        "ToTime": schedule["ToTime"],
        "StartTime": schedule["StartTime"],
        "LastRun": schedule.get("LastRun"),
        "NextRun": schedule.get("NextRun"),
        "Enabled": schedule.get("Enabled", True),
        "StatusID": 1,
        "PriorityID": 0,
        "MaxExecutionTime": 3600,
        "WeekMonthDay": 1,
        "LastResult": 0,
        "UserID": package["UserId"],
        "Username": user.get("Username"),
        "FirstName": user.get("FirstName"),
        "LastName": user.get("LastName"),
        "FullName": users.full_name(call.world, user),
        "RoleID1": user.get("RoleId"),
        "Email": user.get("Email"),
    }


@scheduler.act
def get_scheduler_time(call: Call) -> str:
    return call.now


@scheduler.act
def get_schedule_tasks(call: Call) -> list[Row]:
    return [{"TaskId": name, "TaskType": name, "RoleId": 3} for name in (DISK, TRAFFIC, EXCHANGE_DISK)]


@scheduler.act
def get_schedules(call: Call, user_id: int) -> DataSet:
    rights.demand_user(call, user_id)
    found = [
        schedule
        for package in call.store.packages.find("UserId", user_id)
        for schedule in call.store.schedules.find("PackageId", package["PackageId"])
    ]
    return DataSet("esScheduler.GetSchedules", [[_schedule_row(call, s) for s in found], []])


@scheduler.act
def get_schedules_paged(
    call: Call, package_id: int, recursive: bool, start_row: int, maximum_rows: int
) -> DataSet:
    rights.demand_package(call, package_id)
    package = call.store.packages.get(package_id)
    levels = (
        list(quotas.below(call.world, package)) if package and recursive else [package] if package else []
    )
    found = [s for level in levels for s in call.store.schedules.find("PackageId", level["PackageId"])]
    page = paging.window(found, start_row, maximum_rows, inclusive=False)
    rows = [_schedule_row(call, schedule) for schedule in page]
    return DataSet("esScheduler.GetSchedulesPaged", [[{"Column1": len(found)}], rows])


@scheduler.act
def get_schedule(call: Call, schedule_id: int) -> Row | None:
    schedule = call.store.schedules.get(schedule_id)
    if schedule is None:
        return None
    rights.demand_package(call, schedule["PackageId"])
    return {**schedule, "Parameters": [], "StatusId": "Idle"}


@scheduler.act
def get_schedule_parameters(call: Call, task_id: str | None, schedule_id: int) -> list[Row]:
    return []


@scheduler.act
def start_schedule(call: Call, schedule_id: int) -> int:
    schedule = call.store.schedules.get(schedule_id)
    if schedule is None:
        raise null_reference()
    rights.demand_package(call, schedule["PackageId"])
    package = call.store.packages.get(schedule["PackageId"])
    if package is None:
        raise null_reference()
    levels = list(quotas.below(call.world, package))
    call.store.schedules.change(schedule, LastRun=call.now)
    if schedule["TaskId"] == DISK:
        background.schedule(
            call.world,
            user_id=call.caller.user_id,
            source="SCHEDULER",
            name=DISK,
            does="calculate_packages",
            package_id=package["PackageId"],
            package_ids=[level["PackageId"] for level in levels],
        )
    if schedule["TaskId"] == EXCHANGE_DISK:
        for level in levels:
            for organization in call.store.organizations.find("PackageId", level["PackageId"]):
                background.schedule(
                    call.world,
                    user_id=call.caller.user_id,
                    source="SCHEDULER",
                    name=EXCHANGE_DISK,
                    does="calculate_disk",
                    item_id=organization["Id"],
                    measured_id=organization["Id"],
                )
    return 0


@scheduler.act
def stop_schedule(call: Call, schedule_id: int) -> int:
    return 0


@scheduler.act
def add_schedule(call: Call, schedule: Row | None) -> int:
    if schedule is None:
        raise null_reference()
    rights.demand_account(call, active=True)
    rights.demand_package(call, schedule["PackageId"])
    values = {name: value for name, value in schedule.items() if name not in ("ScheduleId", "Parameters")}
    return call.store.schedules.add(values)["ScheduleId"]


@scheduler.act
def update_schedule(call: Call, schedule: Row | None) -> int:
    stored = call.store.schedules.get((schedule or {}).get("ScheduleId", 0))
    if schedule is None or stored is None:
        raise null_reference()
    rights.demand_account(call, active=True)
    rights.demand_package(call, stored["PackageId"])
    values = {name: value for name, value in schedule.items() if name != "Parameters"}
    call.store.schedules.change(stored, **values)
    return 0


@scheduler.act
def delete_schedule(call: Call, schedule_id: int) -> int:
    stored = call.store.schedules.get(schedule_id)
    if stored is not None:
        rights.demand_account(call, active=True)
        rights.demand_package(call, stored["PackageId"])
        call.store.schedules.remove(stored)
    return 0


@scheduler.act
def get_schedule_task_view_configurations(call: Call) -> list[Row]:
    return []


@scheduler.act
def get_schedule_task_view_configuration(call: Call) -> None:
    return None


# System settings


@system.act
def check_is_twilio_enabled(call: Call) -> bool:
    return False


@system.act_as("GetSystemSettings", "GetSystemSettingsActive")
def get_system_settings(call: Call, settings_name: str | None) -> Row | None:
    if not call.caller.is_administrator:
        return None
    values = letters.own_settings(call.world, "system", 0, settings_name or "")
    return {"SettingsArray": values or []}


@system.act
def set_system_settings(call: Call, settings_name: str | None, settings: Row | None) -> int:
    rights.demand_account(call, active=True, role=rights.ADMINISTRATOR)
    values = [item for item in (settings or {}).get("SettingsArray") or [] if item]
    letters.write_settings(call.world, "system", 0, settings_name or "", values)
    return 0


# Audit log


def _records(call: Call, user_id: int) -> list[Row]:
    rights.demand_user(call, user_id)
    return [
        task for task in call.store.tasks if user_id in (0, task["UserId"]) or call.caller.is_administrator
    ]


@audit.act
def get_audit_log_tasks(call: Call, source_name: str | None) -> DataSet:
    found = [task for task in call.store.tasks if (source_name or task["Source"]) == task["Source"]]
    names = sorted({(task["Source"], task["TaskName"]) for task in found})
    rows = [{"SourceName": source, "TaskName": name} for source, name in names]
    return DataSet("esAuditLog.GetAuditLogTasks", [rows])


@audit.act
def get_audit_log_records_paged(call: Call, user_id: int, start_row: int, maximum_rows: int) -> DataSet:
    found = _records(call, user_id)
    rows = [
        {
            "RecordID": task["TaskId"],
            "SeverityID": 0,
            "StartDate": task["StartDate"],
            "FinishDate": task.get("FinishDate"),
            "ItemID": task["ItemId"],
            "SourceName": task["Source"],
            "TaskName": task["TaskName"],
            "ItemName": task["ItemName"],
            "UserID": task["UserId"],
            "PackageID": task["PackageId"],
        }
        for task in paging.window(found, start_row, maximum_rows, inclusive=False)
    ]
    return DataSet("esAuditLog.GetAuditLogRecordsPaged", [[{"Column1": len(found)}], rows])


@audit.act
def get_audit_log_sources(call: Call) -> DataSet:
    names = ("EXCHANGE", "ORGANIZATION", "SPACE", "SCHEDULER", "USER")
    return DataSet("esAuditLog.GetAuditLogSources", [[{"SourceName": name} for name in names]])


@audit.act
def get_audit_log_record(call: Call, record_id: str | None) -> Row | None:
    return None


@audit.act_as("DeleteAuditLogRecords", "DeleteAuditLogRecordsComplete")
def delete_audit_log_records(call: Call) -> int:
    rights.demand_account(call, active=True, role=rights.ADMINISTRATOR)
    return 0


# Comments


@comments.act
def get_comments(call: Call, user_id: int, item_type_id: str | None, item_id: int) -> DataSet:
    rights.demand_user(call, user_id)
    rows = []
    for comment in call.store.comments.find("ItemId", item_id):
        if comment["ItemTypeId"] == item_type_id:
            author = call.store.users.get(comment["UserId"]) or {}
            rows.append(
                {
                    "CommentID": comment["CommentId"],
                    "ItemTypeID": comment["ItemTypeId"],
                    "ItemID": item_id,
                    "UserID": comment["UserId"],
                    "CreatedDate": comment["Created"],
                    "CommentText": comment["Text"],
                    "SeverityID": comment["Severity"],
                    "Username": author.get("Username"),
                }
            )
    return DataSet("esComments.GetComments", [rows])


@comments.act
def add_comment(
    call: Call, item_type_id: str | None, item_id: int, comment_text: str | None, severity_id: int
) -> int:
    rights.demand_account(call)
    call.store.comments.add(
        {
            "ItemTypeId": item_type_id,
            "ItemId": item_id,
            "UserId": call.caller.user_id,
            "Created": call.now,
            "Text": comment_text,
            "Severity": severity_id,
        }
    )
    return 0


@comments.act
def delete_comment(call: Call, comment_id: int) -> int:
    rights.demand_account(call)
    stored = call.store.comments.get(comment_id)
    if stored is not None and (call.caller.is_administrator or stored["UserId"] == call.caller.user_id):
        call.store.comments.remove(stored)
    return 0


# Trials of the connection, in the newest generation


@trial.act
def echo(call: Call, msg: str | None) -> str | None:
    return msg


@trial.act
def touch(call: Call) -> None:
    return None


@trial.act
def os_platform(call: Call) -> Row:
    return {"IsCore": True, "OSPlatform": call.world.contract.enums["OSPlatform"].numbers["Windows"]}
