from __future__ import annotations

import pytest

from faceapp.settings.stream_target import OscTarget, check_stream_name, parse_osc_target


@pytest.mark.parametrize(
    ("text", "host", "port", "here"),
    [
        ("127.0.0.1:9000", "127.0.0.1", 9000, True),
        ("127.9.9.9:1", "127.9.9.9", 1, True),
        ("localhost:65535", "localhost", 65535, True),
        ("[::1]:9000", "::1", 9000, True),
        (" quest.local:9001 ", "quest.local", 9001, False),
        ("192.168.1.7:9000", "192.168.1.7", 9000, False),
        ("[fe80::1]:9000", "fe80::1", 9000, False),
    ],
)
def test_a_target_is_a_host_and_a_port(text: str, host: str, port: int, here: bool) -> None:
    target = parse_osc_target(text)
    assert (target.host, target.port, target.on_this_machine) == (host, port, here)
    assert str(target) == text.strip()
    assert parse_osc_target(str(target)) == OscTarget(host, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "9000",
        "host",
        "host:",
        ":9000",
        "host:0",
        "host:65536",
        "host:-1",
        "host:9e3",
        "host:٣",
        "::1:9000",
        "a b:1",
    ],
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected HOST:PORT .* like 127\.0\.0\.1:9000"):
        parse_osc_target(text)


def test_the_name_of_a_stream_may_hold_one_kind_of_quotes() -> None:
    check_stream_name("Anna's markers")
    check_stream_name('"quoted"')
    for text in ("", "  ", "a'b\"c"):
        with pytest.raises(ValueError, match="name or type of a stream"):
            check_stream_name(text)
