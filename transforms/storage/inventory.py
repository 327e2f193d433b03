"""What a storage holds against what records vouch for, told by one listing a folder."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import xxhash

from transforms.storage.files import Listed, Storage

Fault = Literal["", "lost", "cut short", "longer than recorded", "changed"]


@dataclass(frozen=True)
class Vouched:
    """A file as a record says that it is.

    bytes is None, version and digest are "", where the record does not say.
    """

    name: str
    bytes: int | None
    version: str
    digest: str
    hashing: Callable[[], Any] = xxhash.xxh3_128

    def fault(self, found: Listed | None, storage: Storage) -> Fault:
        """What is wrong with the file; "" where nothing is.

        It is read only where its size is right and its version is not: copies and encryption give
        other versions to the same bytes.
        """
        if found is None:
            return "lost"
        if self.bytes is not None and found.bytes != self.bytes:
            return "cut short" if found.bytes < self.bytes else "longer than recorded"
        if self.version and found.version and self.version != found.version:
            same = self.digest and storage.hashed(self.name, self.hashing) == self.digest
            return "" if same else "changed"
        return ""


@dataclass(frozen=True)
class Inventory:
    """The files in some folders of a storage."""

    storage: Storage
    files: Mapping[str, Listed]

    @classmethod
    def of(cls, storage: Storage, *folders: str) -> Self:
        """What is there now. Read records before it: what they vouch for came before them."""
        return cls(
            storage,
            {
                f"{folder}/{name}": listed
                for folder in folders
                for name, listed in storage.listing(folder).items()
            },
        )

    def fault(self, file: Vouched) -> Fault:
        """What is wrong with a file; "" where nothing is."""
        return file.fault(self.files.get(file.name), self.storage)
