from app.settings import Settings
from app.supervisor import Supervisor


def test_a_supervisor_that_never_started_stops_at_once(settings: Settings) -> None:
    supervisor = Supervisor(settings)
    supervisor.stop()
    assert supervisor.worker_pid is None
