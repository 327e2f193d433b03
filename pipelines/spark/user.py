"""Spark for a user whom the system does not list, as in containers: Java asks for both."""

import os
from collections.abc import Mapping
from typing import Any

from transforms.base.local_paths import NOWHERE, user_is_listed

_OPTIONS = "spark.driver.extraJavaOptions"


def with_home(settings: Mapping[str, str]) -> dict[str, str]:
    """`settings` in which Java is told a home folder, where it would find none."""
    if user_is_listed():
        return dict(settings)
    home = f"-Duser.home={os.environ.get('HOME') or NOWHERE}"
    return {**settings, _OPTIONS: " ".join(filter(None, (home, settings.get(_OPTIONS, ""))))}


def name_user(java: Any) -> None:
    """Tell Hadoop in `java` the user's name, where it would find none and end."""
    if not user_is_listed():
        given = os.environ.get("HADOOP_USER_NAME") or os.environ.get("SPARK_USER")
        users = java.org.apache.hadoop.security.UserGroupInformation
        users.setLoginUser(users.createRemoteUser(given or str(os.getuid())))
