"""One target under atheris (libFuzzer): python -m tests.fuzzing.worker TARGET CORPUS [OPTIONS].

What is read by the target's own Python code guides the search, that of the parsers that it calls
(PyYAML, Pillow's plugins) included; code in C does not.
"""

import resource
import sys
import warnings
from hashlib import sha1
from pathlib import Path

import atheris

_INSTRUMENTED = ["transforms", "yaml", "PIL", "tests.fuzzing"]
_MOST_BYTES = 12 * 2**30
_COMPILED_BY_NUMBA = ["transforms.m4.kernels"]


def main(arguments: list[str]) -> None:
    """Fuzz the target that the first argument names until a limit of the options is reached."""
    name, corpus, *options = arguments
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))
    warnings.simplefilter("ignore")
    with atheris.instrument_imports(include=_INSTRUMENTED, exclude=_COMPILED_BY_NUMBA):
        from tests.fuzzing import found, target

        fuzzed = target(name)
    for content in (*fuzzed.seeds(), *(path.read_bytes() for path in found(name))):
        (Path(corpus) / sha1(content).hexdigest()).write_bytes(content)
    atheris.Setup([f"fuzz-{name}", *options, corpus], fuzzed.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
