"""A real Airflow in an environment of its own, with a home folder of the test's."""

import json
import os
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil

REPOSITORY = Path(__file__).parents[1]
_DEPLOYED = REPOSITORY / "infra" / "airflow"
_BIN = Path(os.environ.get("FAIRSHARD_AIRFLOW", REPOSITORY / ".airflow")) / "bin"
_PORT = 18793
_LOOK_EVERY = 0.2


@dataclass(frozen=True)
class AirflowHome:
    """Airflow as it is deployed: our DAGs and plugins, a SQLite database, `folder` as its home."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """What Airflow's processes are started with."""
        tools = [str(_BIN), os.environ["PATH"], str(Path(sys.executable).parent)]
        return {
            **os.environ,
            "PATH": os.pathsep.join(tools),
            "PYTHONPATH": str(REPOSITORY),
            "AIRFLOW_HOME": str(self.folder),
            "AIRFLOW__CORE__DAGS_FOLDER": str(_DEPLOYED / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(_DEPLOYED / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "1",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW_CONN_SPARK_DEFAULT": json.dumps({"conn_type": "spark", "host": "local[2]"}),
            "FAIRSHARD_PYTHON": sys.executable,
        }

    def run(self, *command: str) -> str:
        """The output of a command of Airflow's environment, which must succeed."""
        done = subprocess.run(
            [str(_BIN / command[0]), *command[1:]],
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-8000:]
        return done.stdout

    @contextmanager
    def testing(self, dag: str, conf: dict[str, Any]) -> Iterator["DagRun"]:
        """`airflow dags test`, begun; it is killed with the block if it has not ended."""
        log = self.folder / f"{dag}.log"
        with log.open("w") as stream:
            process = subprocess.Popen(
                [str(_BIN / "airflow"), "dags", "test", dag, "--conf", json.dumps(conf)],
                env=self.environment,
                cwd=self.folder,
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
            try:
                yield DagRun(self, dag, process, log)
            finally:
                _kill_tree(process.pid)
                process.wait()

    @contextmanager
    def api(self) -> Iterator["Api"]:
        """Airflow's API server on loopback, which answers people's clicks."""
        command = [str(_BIN / "airflow"), "api-server", "--workers=1", "--host=127.0.0.1"]
        log, api = self.folder / "api.log", Api(f"http://127.0.0.1:{_PORT}")
        with log.open("w") as stream:
            process = subprocess.Popen(
                [*command, f"--port={_PORT}"],
                env=self.environment,
                cwd=self.folder,
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
        try:
            while not api.answers():
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_LOOK_EVERY)
                assert process.poll() is None, log.read_text()[-8000:]
            yield api
        finally:
            _kill_tree(process.pid)
            process.wait()

    def query(self, statement: str, *values: str) -> list[tuple[Any, ...]]:
        """Rows of Airflow's database."""
        with sqlite3.connect(f"file:{self.folder}/airflow.db?mode=ro", uri=True) as database:
            return database.execute(statement, values).fetchall()


@dataclass(frozen=True)
class DagRun:
    """The latest run of a DAG, in a process of its own."""

    home: AirflowHome
    dag: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def ended(self) -> dict[str, str]:
        """Wait for the end; the state of each task."""
        self.process.wait()
        return self.states()

    def states(self) -> dict[str, str]:
        """The state of each task, by name, so far."""
        rows = self.home.query(
            "select task_id, state from task_instance where dag_id = ? and run_id = ?",
            self.dag,
            self.run_id,
        )
        return dict(rows)

    @property
    def run_id(self) -> str:
        """The name of this run; '' before it has one."""
        rows = self.home.query(
            "select run_id from dag_run where dag_id = ? order by id desc limit 1", self.dag
        )
        return str(rows[0][0]) if rows else ""

    def tries(self, task: str) -> int:
        """How often a task was tried."""
        statement = (
            "select try_number from task_instance where dag_id = ? and run_id = ? and task_id = ?"
        )
        return int(self.home.query(statement, self.dag, self.run_id, task)[0][0])

    def xcom(self, task: str, key: str = "return_value") -> Any:
        """What a task gave."""
        rows = self.home.query(
            "select value from xcom where dag_id = ? and run_id = ? and task_id = ? and key = ?",
            self.dag,
            self.run_id,
            task,
            key,
        )
        value = json.loads(rows[0][0]) if rows else None
        return json.loads(value) if isinstance(value, str) and value[:1] in "{[" else value

    def commands(self) -> list[psutil.Process]:
        """The processes that the run has started."""
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []


@dataclass(frozen=True)
class Api:
    """Airflow's REST API."""

    url: str

    def answers(self) -> bool:
        """Whether it is there yet."""
        try:
            self._call("GET", "/api/v2/version")
        except urllib.error.URLError:
            return False
        return True

    def answer(self, run: DagRun, task: str, choice: str) -> None:
        """Answer, as a person would, what a task of a run asks."""
        token = self._call("GET", "/auth/token")["access_token"]
        place = f"/api/v2/dags/{run.dag}/dagRuns/{quote(run.run_id, safe='')}"
        self._call(
            "PATCH",
            f"{place}/taskInstances/{task}/-1/hitlDetails",
            {"chosen_options": [choice], "params_input": {}},
            token,
        )

    def _call(self, method: str, path: str, body: Any = None, token: str = "") -> Any:
        request = urllib.request.Request(
            f"{self.url}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
        )
        with urllib.request.urlopen(request) as response:
            return json.load(response)


def _kill_tree(pid: int) -> None:
    try:
        top = psutil.Process(pid)
        processes: Sequence[psutil.Process] = [*top.children(recursive=True), top]
    except psutil.NoSuchProcess:
        return
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
