"""New names for tar entries: headers rewritten, payloads left alone (POSIX.1-2001 pax format)."""

from collections.abc import Mapping

from transforms.shards.headers import BLOCK, Member, padded

_NAME_BYTES = 100


def renamed_headers(member: Member, name: str) -> bytes:
    """The headers of `member` under the new `name`: whole blocks, in place of [offset, start).

    A name of more than 100 bytes goes to a PAX header, as do the records that the entry had.
    """
    encoded = name.encode("utf-8")
    records = {keyword: value for keyword, value in member.records.items() if keyword != b"path"}
    field = encoded
    if len(encoded) > _NAME_BYTES:
        records[b"path"] = encoded
        field = encoded.rpartition(b"/")[2][:_NAME_BYTES]
    block = (
        field.ljust(_NAME_BYTES, b"\0") + member.block[100:345] + bytes(155) + member.block[500:]
    )
    return _pax_header(records) + _with_checksum(block)


def _pax_header(records: Mapping[bytes, bytes]) -> bytes:
    if not records:
        return b""
    payload = b"".join(_pax_record(keyword, value) for keyword, value in records.items())
    block = b"".join(
        (
            b"././@PaxHeader".ljust(_NAME_BYTES, b"\0"),
            b"0000644\0" + 2 * b"0000000\0",
            b"%011o\0%011o\0" % (len(payload), 0),
            bytes(8),
            b"x" + bytes(100),
            b"ustar\x0000",
        )
    )
    return _with_checksum(block.ljust(BLOCK, b"\0")) + payload.ljust(padded(len(payload)), b"\0")


def _pax_record(keyword: bytes, value: bytes) -> bytes:
    rest = b" %s=%s\n" % (keyword, value)
    length = len(rest) + len(str(len(rest)))
    length = len(rest) + len(str(length))
    return b"%d%s" % (length, rest)


def _with_checksum(block: bytes) -> bytes:
    total = sum(block[:148]) + 8 * ord(" ") + sum(block[156:])
    return b"%s%06o\0 %s" % (block[:148], total, block[156:])
