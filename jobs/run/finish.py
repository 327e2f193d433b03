"""What ends a run that wrote an output: its report is built."""

from collections.abc import Mapping
from typing import Any

from jobs.session.run_record import now, record
from jobs.session.summary import summary_of
from transforms.base.logs import event
from transforms.config.sections import Config
from transforms.gates.results import publish_index, require
from transforms.outcome.artefacts import Artefacts, read_artefacts
from transforms.report.page import write_page
from transforms.storage import paths
from transforms.storage.files import output_storage

_END_OF_PAGE = b"</html>"


def run(config: Config, seconds: Mapping[str, float]) -> dict[str, Any]:
    """Build the report, unless it is there and no stage ran, as `seconds` tell by being none."""
    return _shown(_recorded(config, seconds), config, anew=bool(seconds))


def gated(config: Config, seconds: Mapping[str, float]) -> dict[str, Any]:
    """As `run`, and the output passes its gate first; GateError, once all is on file, if not.

    An output that has passed it, with what is expected now, does not pass it again.
    """
    if not config.gates.enabled:
        return run(config, seconds)
    from transforms.gates.gating import check_output, passed
    from transforms.gates.subjects import output_digest

    artefacts = _recorded(config, seconds)
    drawn, grown = artefacts.drawn is not None, artefacts.grown
    if passed("output", output_digest(artefacts.manifest), config, drawn, grown):
        publish_index(output_storage(config.output))
        return _shown(artefacts, config, anew=bool(seconds))
    result = check_output(artefacts, config)
    summary = _shown(artefacts, config, anew=True)
    require(result)
    return summary


def _recorded(config: Config, seconds: Mapping[str, float]) -> Artefacts:
    """The artefacts of the output, once its run is on file."""
    storage = output_storage(config.output)
    if seconds:
        record(storage, engine=config.engine.name, finished=now())
    return read_artefacts(storage)


def _shown(artefacts: Artefacts, config: Config, anew: bool) -> dict[str, Any]:
    storage = output_storage(config.output)
    page = b"" if anew else storage.find(paths.REPORT) or b""
    if not page.rstrip().endswith(_END_OF_PAGE):
        write_page(artefacts, storage, config.input.storage_options)
    summary = summary_of(artefacts, storage)
    for gate in summary["gates"]:
        for warning in gate["warnings"]:
            event("gate warning", gate=gate["stage"], outcome=gate["outcome"], warning=warning)
    return summary
