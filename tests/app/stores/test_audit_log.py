from app.stores.audit_log import AuditLog, Change
from app.stores.database import Database

CHANGE = Change("key_a", "alias.moved", "/v1/models/m/aliases/production", {"version": 2}, "req_1", "10.0.0.1")


def test_a_change_is_on_record_and_in_the_log_of_the_process(database: Database, logs: list[dict]) -> None:
    log = AuditLog(database)
    log.enter(CHANGE)
    (entry,) = log.list().items
    assert (entry.number, entry.change) == (1, CHANGE)
    assert logs[0]["event"] == "change"
    assert (logs[0]["actor"], logs[0]["action"], logs[0]["version"]) == ("key_a", "alias.moved", 2)


def test_entries_are_read_in_parts_newest_first_and_by_actor(database: Database) -> None:
    log = AuditLog(database)
    for number in range(5):
        log.enter(Change(f"key_{number % 2}", "dataset.deleted", f"/v1/datasets/{number}", {}))
    first = log.list(limit=3)
    assert [one.number for one in first.items] == [5, 4, 3]
    rest = log.list(limit=3, cursor=first.next_cursor)
    assert ([one.number for one in rest.items], rest.next_cursor) == ([2, 1], None)
    assert [one.number for one in log.list(actor="key_1").items] == [4, 2]
