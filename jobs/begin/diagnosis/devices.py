"""What is beside Python: Java, which Spark runs on, and GPUs."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from jobs.begin.diagnosis.finding import Finding, missing, ok, warning

_JAVA = 17
_SECONDS = 20
_VERSION = re.compile(r'version "(?:1\.)?(\d+)[^"]*"')
_INSTALL_JAVA = "apt-get install openjdk-17-jre-headless, or set JAVA_HOME"


def check_java(needed: bool) -> Finding:
    """Java 17 or newer, where Spark would look for it; `needed` where the engine is Spark."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which(str(Path(home, "bin", "java")) if home else "java")
    wrong = missing if needed else warning
    if java is None:
        return wrong("java", f"none{' in JAVA_HOME' * bool(home)}; Spark needs it", _INSTALL_JAVA)
    said = _said(java, "-version")
    version = _VERSION.search(said or "")
    if version is None:
        return wrong("java", f"{java} does not say its version", _INSTALL_JAVA)
    found = f"{version[1]} in {java}"
    if int(version[1]) >= _JAVA:
        return ok("java", found)
    return wrong("java", f"{found}; Spark needs {_JAVA} or newer", _INSTALL_JAVA)


def check_gpu(wanted: str | None) -> Finding:
    """Whether PyTorch sees the GPU; `wanted` is model.device of the configuration, if it has one.

    PyTorch is imported only where there is a driver.
    """
    needed = wanted is not None and wanted.startswith("cuda")
    wrong = missing if needed else warning
    driver = _said("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader")
    if driver is None:
        if needed:
            return missing(
                "gpu",
                f"no NVIDIA driver, and model.device is {wanted}",
                "apt-get install nvidia-driver, or set model.device to auto",
            )
        return ok("gpu", "none: a model runs on the CPU")
    gpus = [line.strip() for line in driver.splitlines() if line.strip()]
    import torch

    if not torch.cuda.is_available():
        return wrong(
            "gpu",
            f"{gpus[0]}, which PyTorch {torch.__version__} does not see",
            "pip install torch from https://pytorch.org/get-started for the driver's CUDA",
        )
    index = int((wanted or "").partition(":")[2] or 0)
    if needed and index >= torch.cuda.device_count():
        return missing(
            "gpu",
            f"{torch.cuda.device_count()} GPUs, and model.device is {wanted}",
            "set model.device to cuda:0",
        )
    return ok("gpu", f"{len(gpus)} x {gpus[0]}; CUDA {torch.version.cuda}")


def _said(*command: str) -> str | None:
    """What a command prints; None where there is no such command, or it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout + done.stderr
